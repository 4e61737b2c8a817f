"""Who had to answer, planned again: what a ledger could try that leaves a system out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.plan import Scope
from dsr_core.registry import Registry, System
from dsr_core.suppressions import SuppressionKind
from dsr_wire.certificate.asked import Asked
from dsr_wire.certificate.fields import MalformedError
from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.report import Mark
from dsr_wire.certificate.statement import Statement
from dsr_wire.certificate.verifying import verify
from dsr_wire.codec.amendments import PlanChanged
from support.builders import (
    NOW,
    a_registry,
    a_request_id,
    a_system,
    an_acknowledgement,
    an_amendment,
)
from support.evidence import Office, a_certificate

OFFICE = Office()
ALL = Scope()
ADDED = a_system("chat", "example-mail")
LATER = a_registry(*OFFICE.registry.systems, ADDED)
LATER_OFFICE = Office(registry=LATER, systems=dict(OFFICE.systems), log=OFFICE.log)


def closed(*systems: str, scope: Scope = ALL, **more: Any) -> Certificate:
    """A closure that rests on these systems alone, as a ledger may have it signed and logged."""
    office = more.pop("office", OFFICE)
    answers = {
        one: [an_acknowledgement(request_id=a_request_id(), system_id=SystemId(one))]
        for one in systems
    }
    return a_certificate(office, answers=answers, scope=scope, **more)


def joined(*systems: str, stated: Collection[str]) -> Certificate:
    """A closure of which the plan was changed to a later version, by adding these systems."""
    change = PlanChanged(
        LATER.digest, tuple((SystemId(one), OrganisationId("example-mail")) for one in systems), ()
    )
    return closed(
        *stated,
        office=LATER_OFFICE,
        amendments=[an_amendment(change, request_id=a_request_id())],
        opened=["billing", "crm", "mailer"],
        planned_from=OFFICE.registry.digest,
    )


def failures(one: Certificate, *registries: Registry) -> dict[str, str]:
    found = verify(one.to_bytes(), LATER_OFFICE.keys, registries=registries)
    return {each.part: each.text for each in found.failures}


def marks(one: Certificate, *registries: Registry) -> set[Mark]:
    """How the checks of what was asked end."""
    found = verify(one.to_bytes(), LATER_OFFICE.keys, registries=registries)
    return {each.mark for each in found.checks if each.part == "statement.asked"}


LATER_OFFICE.witness = OFFICE.witness


def test_every_system_of_the_plan_is_there() -> None:
    one = closed("billing", "crm", "mailer")
    assert failures(one, OFFICE.registry) == {}
    assert marks(one, OFFICE.registry) == {Mark.GOOD}


@pytest.mark.parametrize("left_out", ["billing", "crm", "mailer"])
def test_a_certificate_that_leaves_out_a_system_is_refused_and_names_it(left_out: str) -> None:
    """All that is in it holds: its answers are signed, the closing rule agrees, the log has it."""
    one = closed(*({"billing", "crm", "mailer"} - {left_out}))
    assert failures(one, OFFICE.registry) == {
        "statement.obligations": f"left out, though the plan asks them: {left_out}"
    }


def test_without_the_registry_it_says_that_a_system_may_be_left_out() -> None:
    one = closed("crm")
    assert failures(one) == {}
    assert marks(one) == {Mark.UNCHECKED}


@pytest.mark.parametrize(
    ("scope", "systems"),
    [
        (Scope(categories=("user.payment",)), ["billing"]),
        (Scope(categories=("user.contact",)), ["crm", "mailer"]),
        (Scope(organisation_ids=(OrganisationId("example-mail"),)), ["mailer"]),
        (Scope(system_ids=(SystemId("crm"),)), ["crm"]),
        (Scope(since=date(2025, 1, 1)), ["billing", "crm", "mailer"]),
        (Scope(uses=tuple(SuppressionKind)), ["billing", "crm", "mailer"]),
    ],
)
def test_the_scope_says_who_had_to_answer(scope: Scope, systems: list[str]) -> None:
    assert failures(closed(*systems, scope=scope), OFFICE.registry) == {}
    narrower = {"billing", "crm", "mailer"} - {systems[0]} or {"billing"}
    other = closed(*narrower, scope=scope)
    assert failures(other, OFFICE.registry).keys() == {"statement.obligations"}


def test_a_system_that_did_not_have_to_answer_is_refused() -> None:
    one = closed("billing", "crm", scope=Scope(system_ids=(SystemId("crm"),)))
    assert failures(one, OFFICE.registry) == {
        "statement.obligations": "named, though the plan does not ask them: billing"
    }


def test_a_scope_that_is_made_narrower_is_not_what_the_log_has() -> None:
    one = closed("billing", "crm", "mailer")
    assert one.statement.asked is not None
    asked = replace(one.statement.asked, scope=Scope(system_ids=(SystemId("crm"),)))
    changed = replace(one, statement=replace(one.statement, asked=asked))
    assert "not of this statement" in failures(changed)["statement"]


def test_who_joined_by_a_later_version_is_not_left_out() -> None:
    good = joined("chat", stated=["billing", "chat", "crm", "mailer"])
    assert failures(good, OFFICE.registry, LATER) == {}
    assert marks(good, OFFICE.registry) == {Mark.GOOD, Mark.UNCHECKED}
    lying = joined(stated=["billing", "crm", "mailer"])
    assert failures(lying, OFFICE.registry) == {}
    assert failures(lying, LATER) == {
        "statement.obligations": "left out, though the later version asks them: chat"
    }


@pytest.mark.parametrize(
    ("opened", "fault"),
    [
        ({"crm": "example-group"}, "left out, though the plan asks them: billing, mailer"),
        (
            {"billing": "example-mail", "crm": "example-group", "mailer": "example-mail"},
            "of another organisation than in the plan: billing",
        ),
    ],
)
def test_who_had_to_answer_at_first_is_held_to_the_plan_though_it_changed(
    opened: dict[str, str], fault: str
) -> None:
    good = joined("chat", stated=["billing", "chat", "crm", "mailer"])
    owners = {SystemId(one): OrganisationId(owner) for one, owner in opened.items()}
    statement = replace(good.statement, opened=owners)
    lying = replace(good, statement=statement, log=LATER_OFFICE.logged(statement))
    assert failures(lying, OFFICE.registry)["statement.opened"] == fault


def test_a_plan_from_another_version_without_an_amendment_is_refused() -> None:
    one = closed("billing", "crm", "mailer", planned_from="0" * 64)
    assert failures(one, OFFICE.registry).keys() == {"statement.asked"}


def test_a_registry_that_the_statement_does_not_name_is_refused() -> None:
    assert failures(closed("crm"), LATER).keys() == {"statement.registry_digest"}


def test_a_statement_of_the_form_of_before_stays_good_and_says_what_it_cannot_show() -> None:
    new = closed("crm")
    old = replace(new.statement, asked=None)
    assert old.value()["v"] == 1
    assert "asked" not in old.value()
    one = replace(new, statement=old, log=OFFICE.logged(old))
    found = verify(one.to_bytes(), OFFICE.keys, registries=[OFFICE.registry])
    assert found.is_good
    (words,) = (each.text for each in found.checks if each.part == "statement.asked")
    assert "whether a system was left out" in words


@pytest.mark.parametrize(
    ("system", "looks", "is_good"),
    [
        (a_system("crm"), False, True),
        (a_system("crm"), True, False),
        (a_system("crm", looks_again=True), False, False),
        (a_system("crm", looks_again=True), True, True),
        (a_system("crm", looks_later=True), False, True),
        (a_system("crm", looks_later=True), True, True),
    ],
    ids=["none", "made up", "left out", "before closing", "later, not now", "later"],
)
def test_who_has_to_look_again_is_as_the_registry_says(
    system: System, *, looks: bool, is_good: bool
) -> None:
    registry = a_registry(system)
    office = Office(registry=registry, systems=dict(OFFICE.systems), log=OFFICE.log)
    office.witness = OFFICE.witness
    one = closed("crm", office=office)
    statement = replace(one.statement, looks_again=frozenset({system.id} if looks else ()))
    stated = replace(one, statement=statement, log=office.logged(statement))
    assert ("statement.looks_again" not in failures(stated, registry)) == is_good


def test_what_was_asked_is_read_as_it_was_written() -> None:
    asked = Asked(
        received_at=NOW,
        registry_digest="ab" * 32,
        scope=Scope(
            ("user",),
            (OrganisationId("a"),),
            (SystemId("b"),),
            date(2025, 2, 3),
            tuple(SuppressionKind),
        ),
    )
    statement = replace(closed("crm").statement, asked=asked)
    assert Statement.from_canonical(statement.canonical()).asked == asked


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"v": 1}, "asked"),
        ({"v": 3}, "v"),
        ({"asked": None}, "asked"),
        ({"scope": {}}, "asked.scope.categories"),
        ({"scope.since": "2025-2-3"}, "asked.scope.since"),
        ({"scope.since": "20250203"}, "asked.scope.since"),
        ({"scope.uses": ["all"]}, "asked.scope.uses[0]"),
        ({"scope.system_ids": ["CRM"]}, "asked.scope.system_ids[0]"),
    ],
)
def test_what_says_no_scope_is_refused(changes: dict[str, object], part: str) -> None:
    value = closed("crm").statement.value()
    for name, wrong in changes.items():
        first, _, last = name.rpartition(".")
        inner = value if name in {"v", "asked"} else value["asked"]
        (inner[first] if first else inner)[last] = wrong
    with pytest.raises(MalformedError) as fault:
        Statement.from_canonical(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    assert fault.value.part == part
