"""What the example systems that advertise, sell or share do when a person opts out."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dsr_core.rights import Disposition, Right
from dsr_examples.catalogue import EXAMPLES
from dsr_examples.stores.schema import OPT_OUTS
from dsr_examples.systems import load
from dsr_sdk.testing.notices import new_request_id

Start = Callable[[str], Awaitable[Any]]

THEIRS = [
    one.system_id
    for one in EXAMPLES
    if any(table.name == OPT_OUTS for table in load(one).SCHEMA.tables)
]


@pytest.mark.parametrize("system_id", THEIRS)
async def test_an_opt_out_is_kept_once_and_goes_with_its_person(
    start: Start, system_id: str
) -> None:
    running = await start(system_id)
    here, other, stranger = running.known()[0], running.known()[1], running.unknown()[0]
    for person in (here, other, here):
        request_id = new_request_id()
        answers = await running.ask({request_id: person}, right=Right.OPT_OUT)
        answer = answers[request_id]
        assert (answer.disposition, answer.records > 0) == (Disposition.HEEDED, True)
        assert (await running.rows(person))[OPT_OUTS] == answer.records
    stays = (await running.rows(other))[OPT_OUTS]

    unknown = new_request_id()
    answers = await running.ask({unknown: stranger}, right=Right.OPT_OUT)
    assert answers[unknown].disposition is Disposition.NOT_FOUND

    await running.ask({new_request_id(): here})
    assert (await running.store.totals())[OPT_OUTS] == stays
