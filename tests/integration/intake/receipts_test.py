"""Letters of receipt that are not sent, as PostgreSQL finds them."""

from __future__ import annotations

from integration.intake.closures_test import a_record, answered
from integration.intake.letters_test import letter_in, submitted, writing

from dsr_intake.adapters.receipts import PostgresReceipts
from dsr_intake.model import LetterState
from dsr_runtime.kafka import Publisher
from support.builders import MARKER
from support.intake import Intake
from support.post import MailServer

__all__ = ["writing"]


async def test_a_receipt_is_unsent_until_its_letter_is_sent_or_its_request_answered(
    writing: Intake, post: MailServer, publisher: Publisher
) -> None:
    store = PostgresReceipts(writing.pool)

    async def unsent() -> dict[str, LetterState]:
        first = await store.unsent(after=None, limit=1)
        rest = await store.unsent(after=first[0][0].request_id, limit=100) if first else []
        return {one.request_id: letter.state for one, letter in [*first, *rest]}

    sent = await submitted(writing, 71)
    await letter_in(writing, sent["id"], "received", "sent")
    post.refuses_recipients = f"550 {MARKER} is unknown"
    two = [(await submitted(writing, 72 + n))["id"] for n in range(2)]
    for one in two:
        await letter_in(writing, one, "received", "bounced")
    found = await unsent()
    assert sent["id"] not in found
    assert {found[one] for one in two} == {LetterState.BOUNCED}
    post.refuses_recipients = None
    await publisher.publish([a_record(two[0], two[0])])
    await answered(writing, two[0])
    again = f"/internal/v1/subject-requests/{two[1]}/letters:send-again"
    asked = {"kind": "received", "reason": "the address takes mail again"}
    assert (await writing.http.post(again, headers=writing.desk, json=asked)).is_success
    await letter_in(writing, two[1], "received", "sent")
    assert not set(two) & set(await unsent())
