"""A system that verifies its erasures, on the whole loop: a request closes only after the second look."""

from __future__ import annotations

from dsr_cli.demo.people import submission
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.rights import Disposition
from dsr_examples.catalogue import example
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from support.loop import Loop

VERIFIES = "payment-methods"


async def answers(loop: Loop, request_id: str) -> list[Acknowledgement]:
    """Return what the system has answered, in its order, as it was signed."""
    rows = await loop.query(
        "select leaf from verifier.acknowledgements"
        " where request_id = $1 and system_id = $2 order by sequence",
        request_id,
        VERIFIES,
    )
    return [acknowledgement_from_bytes(row["leaf"]) for row in rows]


async def test_what_was_erased_is_looked_at_again_before_the_request_closes(loop: Loop) -> None:
    person = loop.person()
    while not example(VERIFIES).knows(person.number):
        person = loop.person()
    async with loop.client() as client:
        request_id = str((await client.submit(submission(person)))["id"])
    await loop.answered(request_id)
    *_, erased, absent = await answers(loop, request_id)
    assert (erased.disposition, absent.disposition) == (Disposition.ERASED, Disposition.ABSENT)
    assert absent.sequence == erased.sequence + 1
    assert absent.records == erased.records > 0
    [closure] = await loop.query(
        "select closed_at from verifier.closures where request_id = $1", request_id
    )
    assert closure["closed_at"] >= absent.answered_at
