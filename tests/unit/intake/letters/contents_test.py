"""What a letter tells of systems: by the names that they have now, and whose they are."""

from __future__ import annotations

from datetime import date
from typing import Any

from dsr_core.ids import SystemId
from dsr_core.registry import Registry, Sale
from dsr_intake.application.dating import Dating
from dsr_intake.application.letters.contents import Gathering, Proving, Row
from dsr_intake.model import Letter
from support.builders import NOW, a_registry, a_system, an_organisation, days
from support.fake_ledger import FakeLedger
from support.intake_fakes import (
    FakeDecisions,
    FakeRegistryView,
    a_letter,
    a_request_view,
    no_holidays,
)


def an_obligation(system_id: str, organisation_id: str, **more: object) -> dict[str, object]:
    one = {
        "system_id": system_id,
        "organisation_id": organisation_id,
        "disposition": "erased",
        "exemptions": [],
        "reason": "",
    }
    return one | more


async def rows(newest: Registry, *owed: dict[str, Any], **changes: Any) -> list[Row]:
    """What a letter about a request of the first version tells of systems."""

    async def nothing(letter: Letter) -> Proving | None:
        del letter
        return None

    ledger = FakeLedger()
    ledger.document = {"obligations": list(owed)}
    gathering = Gathering(
        ledger=ledger,
        decisions=FakeDecisions(),
        registry=FakeRegistryView(newest, former=[a_registry()]),
        dating=Dating(no_holidays),
        proving=nothing,
    )
    contents = await gathering.contents(a_letter(**changes), a_request_view(), at=NOW)
    return list(contents.rows)


def sold(on: date) -> Registry:
    organisations = (
        an_organisation(),
        an_organisation("example-mail", name="Mail Ltd", sold=Sale(on=on, to="a buyer")),
    )
    return Registry(organisations, a_registry().systems)


async def test_an_organisation_that_has_left_the_group_is_told_as_such_once_it_has() -> None:
    owed = an_obligation("mailer", "example-mail")
    on = (NOW + days(2)).date()
    [before] = await rows(sold(on), owed)
    [after] = await rows(sold(on), owed, waiting_since=NOW + days(3))
    assert (before.organisation, before.left_on) == ("Mail Ltd", None)
    assert after.left_on == on


async def test_who_took_over_is_told_with_the_names_of_both() -> None:
    crm = a_system("crm", name="Old CRM", retired_on=NOW.date(), successor=SystemId("archive"))
    newest = a_registry(crm, a_system("archive", name="The archive"))
    succeeded = [{"system_id": "crm", "since": NOW.isoformat()}]
    [row] = await rows(newest, an_obligation("archive", "example-group", answers_for=succeeded))
    assert (row.system, row.took_over) == ("The archive", ("Old CRM",))
    assert row.organisation == "example-group Ltd"


async def test_a_system_that_no_version_has_is_told_by_its_id() -> None:
    [row] = await rows(a_registry(), an_obligation("unheard-of", "nobody"))
    assert (row.system, row.organisation, row.left_on) == ("unheard-of", "nobody", None)
