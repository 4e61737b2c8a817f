"""The plan: every system that must answer, and no other."""

from __future__ import annotations

import pytest

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.plan import Scope, by_organisation, plan
from dsr_core.rights import Right
from support.builders import a_registry, a_system


def ids(registry_scope: Scope, right: Right = Right.DELETION) -> list[str]:
    return [system.id for system in plan(a_registry(), right, registry_scope)]


def test_an_empty_scope_means_every_system() -> None:
    assert ids(Scope()) == ["billing", "crm", "mailer"]


def test_only_systems_that_can_be_asked_for_the_right() -> None:
    registry = a_registry(a_system("a", rights=(Right.ACCESS,)), a_system("b"))
    assert [system.id for system in plan(registry, Right.DELETION, Scope())] == ["b"]
    assert plan(registry, Right.CORRECTION, Scope()) == ()


def test_only_systems_of_the_organisations_meant() -> None:
    assert ids(Scope((), (OrganisationId("example-mail"),))) == ["mailer"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("user", ["billing", "crm", "mailer"]),
        ("user.contact", ["crm", "mailer"]),
        ("user.contact.email", ["crm", "mailer"]),
        ("user.contact.phone_number", ["crm"]),
        ("user.payment", ["billing"]),
        ("user.pay", []),
        ("user.nothing", []),
    ],
)
def test_a_category_covers_the_keys_below_it_and_is_held_by_those_above(
    wanted: str, expected: list[str]
) -> None:
    assert ids(Scope((wanted,))) == expected


def test_organisation_and_category_must_both_be_meant() -> None:
    scope = Scope(("user.payment",), (OrganisationId("example-mail"),))
    assert ids(scope) == []


def test_only_the_systems_meant_and_of_them_only_what_else_is_meant() -> None:
    assert ids(Scope(system_ids=(SystemId("crm"), SystemId("mailer")))) == ["crm", "mailer"]
    assert ids(Scope(("user.payment",), (), (SystemId("crm"),))) == []
    assert ids(Scope((), (OrganisationId("example-mail"),), (SystemId("crm"),))) == []
    assert ids(Scope(system_ids=(SystemId("gone"),))) == []


def test_a_system_without_categories_is_asked_only_when_all_is_meant() -> None:
    registry = a_registry(a_system("empty", categories=()))
    assert plan(registry, Right.ACCESS, Scope())
    assert plan(registry, Right.ACCESS, Scope(("user",))) == ()


def test_systems_are_grouped_by_their_owner_and_sorted() -> None:
    groups = by_organisation(reversed(a_registry().systems))
    assert {owner: [one.id for one in group] for owner, group in groups.items()} == {
        "example-group": ["billing", "crm"],
        "example-mail": ["mailer"],
    }
    assert list(groups) == ["example-group", "example-mail"]
