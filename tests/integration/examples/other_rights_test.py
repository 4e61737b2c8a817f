"""What the example systems do with a restriction, an objection, and what is to be taken along."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dsr_core.rights import Disposition, Right
from dsr_examples.stores.schema import OPT_OUTS, RESTRICTIONS
from dsr_sdk.testing.notices import new_request_id

Start = Callable[[str], Awaitable[Any]]


@pytest.mark.parametrize(
    ("system_id", "right", "disposition", "table"),
    [
        ("newsletter", Right.RESTRICTION, Disposition.RESTRICTED, RESTRICTIONS),
        ("sales-contacts", Right.RESTRICTION, Disposition.RESTRICTED, RESTRICTIONS),
        ("newsletter", Right.OBJECTION, Disposition.HEEDED, OPT_OUTS),
    ],
)
async def test_it_is_kept_once_for_that_person_alone(
    start: Start, system_id: str, right: Right, disposition: Disposition, table: str
) -> None:
    running = await start(system_id)
    here, other, stranger = running.known()[0], running.known()[1], running.unknown()[0]
    for _ in range(2):
        request_id = new_request_id()
        answer = (await running.ask({request_id: here}, right=right))[request_id]
        assert (answer.disposition, answer.records > 0) == (disposition, True)
        assert (await running.rows(here))[table] == answer.records
    assert table not in await running.rows(other)
    request_id = new_request_id()
    answer = (await running.ask({request_id: stranger}, right=right))[request_id]
    assert answer.disposition is Disposition.NOT_FOUND


async def test_an_objection_against_what_the_law_wants_kept_is_refused_with_its_ground(
    start: Start,
) -> None:
    running = await start("billing")
    for person, expected in (
        (running.known()[0], Disposition.REFUSED),
        (running.unknown()[0], Disposition.NOT_FOUND),
    ):
        request_id = new_request_id()
        answer = (await running.ask({request_id: person}, right=Right.OBJECTION))[request_id]
        assert (answer.disposition, bool(answer.reason)) == (
            expected,
            expected is Disposition.REFUSED,
        )


async def test_only_what_a_person_provided_is_handed_over_to_be_taken_along(start: Start) -> None:
    running = await start("newsletter")
    harness = running.harness()
    (answer,) = await harness.deliver(
        identity=running.known()[0].identifiers, right=Right.PORTABILITY
    )
    assert answer.disposition is Disposition.DELIVERED
    assert set(harness.handed_over(answer).files) == {"openings.jsonl", "subscribers.jsonl"}
