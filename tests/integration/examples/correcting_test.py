"""What the example systems do that people can have corrected."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dsr_core.rights import Disposition, Right
from dsr_examples.stores.schema import STATEMENTS
from dsr_sdk import Correction, Rectification
from dsr_sdk.testing.notices import new_request_id

Start = Callable[[str], Awaitable[Any]]


def wanted(name: str, category: str = "user.name") -> Rectification:
    return Rectification((Correction(category, name),))


CORRECTING = ["event-registrations", "newsletter", "regional-accounts", "sales-contacts"]


@pytest.mark.parametrize("system_id", CORRECTING)
async def test_a_name_is_put_right_once_and_of_that_person_alone(
    start: Start, system_id: str
) -> None:
    running = await start(system_id)
    here, stranger = running.known()[0], running.unknown()[0]

    async def ask(person: Any, rectification: Rectification) -> Any:
        (answer,) = await running.harness().deliver(
            requests={new_request_id(): person.identifiers},
            right=Right.CORRECTION,
            rectification=rectification,
        )
        return answer

    first = await ask(here, wanted("Somebody Else"))
    assert (first.disposition, first.records > 0) == (Disposition.CORRECTED, True)
    again = await ask(here, wanted("Somebody Else"))
    assert again.disposition is Disposition.ALREADY_RIGHT
    assert (await ask(stranger, wanted("X"))).disposition is Disposition.NOT_FOUND
    refused = await ask(here, wanted("DE", "user.demographic"))
    assert (refused.disposition, bool(refused.reason)) == (Disposition.REFUSED, True)


@pytest.mark.parametrize("system_id", CORRECTING)
async def test_what_a_person_says_stands_once_beside_what_is_not_corrected_and_goes_with_it(
    start: Start, system_id: str
) -> None:
    running = await start(system_id)
    here, other = running.known()[:2]

    async def ask(person: Any, said: str) -> Disposition:
        wrong = replace(wanted("DE", "user.demographic"), statement=said)
        (answer,) = await running.harness().deliver(
            requests={new_request_id(): person.identifiers},
            right=Right.CORRECTION,
            rectification=wrong,
        )
        return answer.disposition

    async def statements() -> int:
        return (await running.store.totals())[STATEMENTS]

    assert await ask(here, "") is Disposition.REFUSED
    assert await statements() == 0
    for said in ("I never lived there.", "I never lived there.", "I told you so."):
        assert await ask(here, said) is Disposition.REFUSED
    assert await ask(other, "I never lived there.") is Disposition.REFUSED
    records = (await running.rows(here))[STATEMENTS]
    assert records % 2 == 0, "two statements beside each record of the person"
    assert await statements() > records
    _, handed = await running.hand_over(here)
    assert b"I told you so." in handed.files[f"{STATEMENTS}.jsonl"]
    await running.ask({new_request_id(): here})
    assert STATEMENTS not in await running.rows(here)
    assert await statements() > 0
