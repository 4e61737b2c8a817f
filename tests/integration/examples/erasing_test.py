"""What every example system does, on its real store."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.exports import Protection
from dsr_core.ids import RequestId
from dsr_core.rights import Disposition
from dsr_examples.catalogue import EXAMPLES
from dsr_sdk.testing.notices import new_request_id
from support.parts import example_registry

Start = Callable[[str], Awaitable[Any]]

REGISTRY = example_registry()
ALL = [one.system_id for one in EXAMPLES]
PLAIN = [one for one in ALL if one not in {"billing", "payment-methods"}]
"""Those that erase everything, at once."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_EXAMPLE_SLOW_SECONDS", "0")


@pytest.mark.parametrize("system_id", ALL)
async def test_every_person_is_seeded_where_the_catalogue_says(
    start: Start, system_id: str
) -> None:
    running = await start(system_id)
    assert running.known()
    assert running.unknown()
    assert all([await running.rows(one) for one in running.known()])
    assert not any([await running.rows(one) for one in running.unknown()])
    assert not await running.store.seed(pytest.fail)


@pytest.mark.parametrize("system_id", ALL)
async def test_access_hands_over_every_row_of_the_person_and_no_other(
    start: Start, system_id: str
) -> None:
    running = await start(system_id)
    terms = REGISTRY.system(system_id)
    assert terms is not None
    assert terms.access is not None
    for here in running.known()[:3]:
        rows = await running.rows(here)
        answer, handed = await running.hand_over(here, protected=terms.access.protected)
        assert (answer.disposition, answer.records) == (Disposition.DELIVERED, sum(rows.values()))
        assert handed is not None
        assert {one.name: one.records for one in handed.index} == {
            f"{table}.jsonl": count for table, count in rows.items()
        }
        people = running.schema.people
        values = {value for given in here.identifiers.values() for value in given}
        for row in handed.rows(people):
            assert values & {str(value) for value in row.values()}
        tables = {one.name: set(one.column_names) for one in running.schema.tables}
        hidden = {one.path for one in terms.access.protected if one.protection is Protection.SECRET}
        for table in rows:
            told = tables[table] - {path.removeprefix(f"{table}.") for path in hidden}
            assert all(set(row) == told for row in handed.rows(table))
    answer, _ = await running.hand_over(running.unknown()[0])
    assert answer.disposition is Disposition.NOT_FOUND


@pytest.mark.parametrize("system_id", PLAIN)
async def test_a_batch_erases_all_rows_of_its_people_and_no_others(
    start: Start, system_id: str
) -> None:
    running = await start(system_id)
    batch = {new_request_id(): one for one in running.known()[1:]}
    before = {key: sum((await running.rows(one)).values()) for key, one in batch.items()}
    stays = await running.rows(running.known()[0])
    stranger = new_request_id()
    answers = await running.ask({**batch, stranger: running.unknown()[0]})
    for key in batch:
        assert answers[key].disposition is Disposition.ERASED
        assert answers[key].records == before[key]
    assert answers[stranger].disposition is Disposition.NOT_FOUND
    assert not any([await running.rows(one) for one in batch.values()])
    totals = await running.store.totals()
    assert {table: count for table, count in totals.items() if count} == stays
    assert await running.rows(running.known()[0]) == stays


@pytest.mark.parametrize("system_id", PLAIN)
async def test_asked_twice_it_answers_twice_the_same(start: Start, system_id: str) -> None:
    running = await start(system_id)
    asked = {new_request_id(): running.known()[0]}
    first = await running.ask(asked)
    again = running.reopened()
    try:
        second = await running.ask(asked, store=again, may_be_repeat=True)
    finally:
        await again.close()
    assert facts(first) == facts(second)


@pytest.mark.parametrize("system_id", PLAIN)
async def test_another_request_for_the_same_person_finds_nothing(
    start: Start, system_id: str
) -> None:
    running = await start(system_id)
    ids = new_request_id(), new_request_id()
    person = running.known()[0]
    answers = await running.ask(dict.fromkeys(ids, person))
    dispositions = sorted(one.disposition for one in answers.values())
    assert dispositions == [Disposition.ERASED, Disposition.NOT_FOUND]
    (answer,) = (await running.ask({new_request_id(): person})).values()
    assert answer.disposition is Disposition.NOT_FOUND


def facts(answers: dict[RequestId, Acknowledgement]) -> dict[RequestId, tuple[object, ...]]:
    return {key: (one.disposition, one.records, one.exemptions) for key, one in answers.items()}
