"""No text of an answer names the person that was asked about: texts travel and are kept in the clear."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from unit.sdk.running import a_subscriber

from dsr_core.rights import Disposition
from dsr_sdk import Answer, DeletionRequest, Erased, Exempt, Failed, Subscriber, Unresolvable
from dsr_sdk.testing import SubscriberHarness

MARK = "jane.roe@example.com"
PERSON = {"email": MARK, "phone": "+442079460018"}
AT = datetime(2031, 1, 1, tzinfo=UTC)


def answering(answer: Answer) -> Subscriber:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        return answer

    return subscriber


@pytest.mark.parametrize(
    "answer",
    [
        Failed(f"no such user: {MARK.upper()}"),
        Unresolvable("two people have +44 20 7946 0018"),
        Exempt(f"invoice of {MARK}", AT),
        Exempt("HGB 257", AT, categories=(MARK,)),
    ],
)
async def test_an_answer_that_names_the_person_is_refused_and_told_without_them(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    (told,) = await SubscriberHarness(answering(answer)).deliver(PERSON)
    assert told.disposition is Disposition.FAILED
    assert told.reason == "the handler's answer is refused: identity_in_text"
    assert (told.exemptions, MARK in caplog.text) == ((), False)
    assert "holds an identifier of the person" in caplog.text


async def test_interim_answers_name_nobody_either() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        await request.in_progress(f"waiting for the archive of {MARK}")
        return Erased(1)

    told = await SubscriberHarness(subscriber).deliver(PERSON)
    assert MARK not in str(told)
    assert told[-1].reason == "the handler's answer is refused: identity_in_text"


async def test_what_names_somebody_else_is_told_as_it_is() -> None:
    (told,) = await SubscriberHarness(answering(Failed("ask archive@example.com"))).deliver(PERSON)
    assert told.reason == "ask archive@example.com"
