"""Who had to answer at first and at last had not: what a ledger could try with a change of plan.

Such a change is the ledger's own word, which nobody has signed: the registry says who may go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from unit.wire.planned_test import ALL, LATER_OFFICE, OFFICE, closed, failures, marks

from dsr_core.ids import SystemId
from dsr_core.plan import Scope
from dsr_core.registry import Registry, Sale
from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.report import Mark
from dsr_wire.codec.amendments import DueDateMoved, PlanChanged, Succession
from support.builders import NOW, a_registry, a_request_id, a_system, an_amendment, days

FIRST = OFFICE.registry
BILLING, CRM, MAILER = FIRST.systems
CHAT = a_system("chat")
RETIRED = a_registry(BILLING, CRM, replace(MAILER, retired_on=NOW.date()), CHAT)
HANDED_ON = a_registry(
    BILLING, CRM, replace(MAILER, retired_on=NOW.date(), successor=SystemId("chat")), CHAT
)
WITHOUT = a_registry(BILLING, CRM, CHAT)
SOLD = Registry(
    tuple(
        replace(one, sold=Sale(on=NOW.date(), to="a buyer")) if one.id == "example-mail" else one
        for one in FIRST.organisations
    ),
    FIRST.systems,
)


def changed(
    registry: Registry,
    *stated: str,
    removed: str = "",
    heir: str = "",
    scope: Scope = ALL,
    before: Sequence[PlanChanged] = (),
) -> Certificate:
    """A closure of which the plan was changed to a version, so that these had to answer."""
    joined = CHAT.id in stated and registry.system(CHAT.id) is not None
    successor = registry.system(heir)
    change = PlanChanged(
        registry.digest,
        ((CHAT.id, CHAT.organisation_id),) if joined else (),
        (SystemId(removed),) if removed else (),
        (Succession(MAILER.id, successor.id, successor.organisation_id, NOW),) if successor else (),
    )
    return closed(
        *stated,
        office=replace(LATER_OFFICE, registry=registry),
        amendments=[
            an_amendment(one, request_id=a_request_id(), revision=number)
            for number, one in enumerate((*before, change), 1)
        ],
        opened=["billing", "crm", "mailer"],
        planned_from=FIRST.digest,
        scope=scope,
        gone=(*FIRST.systems, CHAT),
    )


@pytest.mark.parametrize(
    ("registry", "stated", "change"),
    [
        pytest.param(FIRST, ["billing", "crm"], {"removed": "mailer"}, id="taken out"),
        pytest.param(FIRST, ["billing", "crm"], {"heir": "crm"}, id="made over"),
        pytest.param(WITHOUT, ["billing", "chat", "crm"], {"removed": "mailer"}, id="left"),
        pytest.param(RETIRED, ["billing", "chat", "crm"], {"removed": "mailer"}, id="retired"),
        pytest.param(RETIRED, ["billing", "chat", "crm"], {"heir": "chat"}, id="not its heir"),
        pytest.param(HANDED_ON, ["billing", "chat", "crm"], {"heir": "crm"}, id="another heir"),
    ],
)
def test_nobody_is_let_off_by_a_change_of_plan_that_the_registry_does_not_bear_out(
    registry: Registry, stated: list[str], change: dict[str, Any]
) -> None:
    lying = changed(registry, *stated, **change)
    assert failures(lying, *{FIRST.digest: FIRST, registry.digest: registry}.values()) == {
        "statement.obligations": "let off, though that version of the registry does not say so: mailer"
    }


@pytest.mark.parametrize(
    ("registry", "stated", "change"),
    [
        pytest.param(SOLD, ["billing", "crm"], {"removed": "mailer"}, id="sold"),
        pytest.param(HANDED_ON, ["billing", "chat", "crm"], {"heir": "chat"}, id="handed on"),
        pytest.param(WITHOUT, ["billing", "chat", "crm", "mailer"], {}, id="left, and answered"),
        pytest.param(RETIRED, ["billing", "chat", "crm", "mailer"], {}, id="retired, and answered"),
    ],
)
def test_who_has_left_the_group_or_has_an_heir_is_let_off_and_whoever_else_answers(
    registry: Registry, stated: list[str], change: dict[str, Any]
) -> None:
    assert failures(changed(registry, *stated, **change), FIRST, registry) == {}


def test_each_change_of_plan_is_held_to_the_version_that_it_names() -> None:
    """Who was sold and is in no later version any more stays let off, by the version that says so."""
    sold = PlanChanged(SOLD.digest, (), (MAILER.id,))
    honest = changed(WITHOUT, "billing", "chat", "crm", before=[sold])
    assert failures(honest, FIRST, SOLD, WITHOUT) == {}
    assert failures(honest, FIRST, WITHOUT) == {}
    assert marks(honest, FIRST, WITHOUT) == {Mark.GOOD, Mark.UNCHECKED}


def test_who_joined_by_a_version_in_between_and_is_in_no_later_one_answers_all_the_same() -> None:
    joined = PlanChanged(WITHOUT.digest, ((CHAT.id, CHAT.organisation_id),), ())
    honest = changed(SOLD, "billing", "chat", "crm", removed="mailer", before=[joined])
    assert failures(honest, FIRST, WITHOUT, SOLD) == {}


def test_a_request_that_names_its_systems_lets_none_of_them_off() -> None:
    named = Scope(system_ids=(BILLING.id, CRM.id, MAILER.id))
    lying = changed(SOLD, "billing", "crm", removed="mailer", scope=named)
    assert "mailer" in failures(lying, FIRST, SOLD)["statement.obligations"]


def test_without_the_version_of_the_closing_it_says_that_a_system_may_be_left_out() -> None:
    lying = changed(WITHOUT, "billing", "chat", "crm", removed="mailer")
    assert failures(lying, FIRST) == {}
    assert marks(lying, FIRST) == {Mark.GOOD, Mark.UNCHECKED}


@pytest.mark.parametrize("looks", [True, False])
def test_no_amendment_lets_a_system_off_from_looking_again(*, looks: bool) -> None:
    registry = a_registry(a_system("crm", looks_again=True))
    office = replace(LATER_OFFICE, registry=registry)
    later = an_amendment(DueDateMoved(NOW + days(60)), request_id=a_request_id())
    one = closed("crm", office=office, amendments=[later])
    statement = replace(one.statement, looks_again=frozenset([CRM.id] if looks else ()))
    stated = replace(one, statement=statement, log=office.logged(statement))
    assert ("statement.looks_again" not in failures(stated, registry)) == looks
