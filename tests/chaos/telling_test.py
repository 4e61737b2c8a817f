"""Letters, and codes that prove who asks, while whoever handles them is killed at each durable write."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import httpx
import pytest
from chaos.crashes import Aftermath, Crashing

from dsr_cli.demo.people import submission
from dsr_cli.group.bring_up import api_key
from dsr_cli.stack.mail import NAME as MAIL_SERVER
from dsr_intake.application.codes import LIMITS
from support.crash_points import SYSTEMS
from support.loop import Loop
from support.operating import known_to, mailed, until
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]

BY_EMAIL = ["cloud-uk", "mail-delivery-provider", "support-desk-provider"]
"""Organisations all of whose systems know people by an email address."""

ISSUED = ("code.issue.before", "code.issue.after")
CLAIMED = ("letter.claim.before", "letter.claim.after")
SENT = ("letter.mail.before", "letter.mail.after", "letter.record.before", "letter.record.after")
TRIED = ("code.try.before", "code.try.after", "prove.before", "prove.after")
TOLD = ("decision.command.before", "decision.command.after")
TAKEN = ("prove.signal.before", "prove.signal.after", "decision.offset.before")
POSTPONED = ("letter.later.before", "letter.later.after")

SENT_AND_AGAIN = 3
"""How often a message goes out whose sender dies twice after it was sent and before that is recorded."""

_CODE = re.compile(r"(?<![\w-])[0-9A-Z]{4}-[0-9A-Z]{4}(?![\w-])")


async def post(loop: Loop, request_id: str, what: str, **body: str) -> bool:
    """Ask for a code, or give it; false where that is to be tried again."""
    path = f"/v1/subject-requests/{request_id}/identity/{what}"
    headers = {"Authorization": f"Bearer {api_key(loop.stack)}"}
    async with httpx.AsyncClient(base_url=loop.stack.settings.intake_url) as http:
        try:
            answer = await http.post(path, json=body or None, headers=headers)
        except httpx.HTTPError:
            return False
    # Whoever saw no answer, and gives a code that was taken, hears that it was used.
    return answer.is_success or answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


async def letters(loop: Loop, request_id: str, kind: str) -> list[str]:
    """Return how the letters of a kind stand."""
    rows = await loop.query(
        "select state from intake.letters where request_id = $1::uuid and kind = $2"
        " order by number",
        request_id,
        kind,
    )
    return [row["state"] for row in rows]


async def letter_is(loop: Loop, request_id: str, kind: str, state: str) -> None:
    async def is_so() -> bool:
        return await letters(loop, request_id, kind) == [state]

    await eventually(is_so, within=420, what=f"the letter {kind} is {state}")


def codes_in(loop: Loop, request_id: str) -> list[str]:
    """Return the code of each message about a request."""
    texts = [
        part.get_content()
        for _, message in mailed(loop, request_id)
        if (part := message.get_body(("plain",))) is not None
    ]
    return [code for text in texts for code in _CODE.findall(text)]


async def test_a_code_proves_once_and_letters_are_sent_whoever_dies_when(
    loop: Loop, crashing: Crashing, aftermath: Aftermath
) -> None:
    [person] = known_to(loop, 1, *SYSTEMS)
    body = submission(person) | {"jurisdiction": "DE", "identity_attested": False}
    body["identity"] = [one for one in body["identity"] if one["kind"] == "email"]
    body["scope"] = {"categories": [], "organisation_ids": BY_EMAIL}
    before = await aftermath.held(person)
    async with loop.client() as client:
        request_id = (await client.submit(body))["id"]
    await letter_is(loop, request_id, "received", "sent")

    async def is_on_its_way() -> bool:
        # Who sees no answer asks again; a minute after the first that would be another code.
        is_there = bool(await letters(loop, request_id, "identity_needed"))
        return is_there or await post(loop, request_id, "code")

    async def asked() -> None:
        await eventually(is_on_its_way, within=420)
        await letter_is(loop, request_id, "identity_needed", "sent")

    await crashing.dying_at(asked(), (*ISSUED, *CLAIMED, *SENT))
    codes = codes_in(loop, request_id)
    assert len(codes) == SENT_AND_AGAIN
    assert len(set(codes)) == 1, "each message has the same code"

    async def proven() -> None:
        await eventually(lambda: post(loop, request_id, "proof", code=codes[0]), within=420)
        await letter_is(loop, request_id, "done", "waiting")

    await asyncio.to_thread(loop.stack.stop, MAIL_SERVER)
    try:
        await crashing.dying_at(proven(), (*TRIED, *TOLD, *POSTPONED), TAKEN)
        assert (await loop.show(request_id))["state"] == "closed", "it waits for its letter"
    finally:
        await asyncio.to_thread(loop.stack.start, MAIL_SERVER)
    await crashing.dying_at(until(loop, request_id, "answered"), SENT[1:3])

    rows = await loop.query(
        "select identity_method, tries, used_at is not null as used from intake.subject_requests r"
        " join intake.identity_codes k on k.request_id = r.id where r.id = $1::uuid",
        request_id,
    )
    [(method, tries, is_used)] = [tuple(row) for row in rows]
    assert (method, is_used) == ("one_time_code", True)
    assert tries <= LIMITS.tries
    told = Counter(kind for kind, _ in mailed(loop, request_id))
    assert told == {"received": 1, "identity_needed": SENT_AND_AGAIN, "done": SENT_AND_AGAIN}
    assert (await loop.show(request_id))["outcome"] in {"fulfilled", "partly_fulfilled"}
    await aftermath.has_ended([request_id], before)
    after = await aftermath.held(person)
    assert sum(before.less_of_theirs(after).values()) > 0
