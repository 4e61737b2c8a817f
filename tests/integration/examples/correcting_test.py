"""What the example systems do that people can have corrected."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dsr_core.rights import Disposition, Right
from dsr_sdk import Correction, Rectification
from dsr_sdk.testing.notices import new_request_id

Start = Callable[[str], Awaitable[Any]]


def wanted(name: str, category: str = "user.name") -> Rectification:
    return Rectification((Correction(category, name),))


@pytest.mark.parametrize(
    "system_id", ["event-registrations", "newsletter", "regional-accounts", "sales-contacts"]
)
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
