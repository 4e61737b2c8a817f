"""The plan: every system that must answer, and no other."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.plan import Scope, by_organisation, plan
from dsr_core.registry import Registry, Sale
from dsr_core.rights import Right
from support.builders import NOW, a_registry, a_system, an_organisation


def ids(registry_scope: Scope, right: Right = Right.DELETION) -> list[str]:
    return [system.id for system in plan(a_registry(), right, registry_scope, received_at=NOW)]


def test_an_empty_scope_means_every_system() -> None:
    assert ids(Scope()) == ["billing", "crm", "mailer"]


def test_only_systems_that_can_be_asked_for_the_right() -> None:
    registry = a_registry(a_system("a", rights=(Right.ACCESS,)), a_system("b"))
    assert [system.id for system in plan(registry, Right.DELETION, Scope(), received_at=NOW)] == [
        "b"
    ]
    assert plan(registry, Right.CORRECTION, Scope(), received_at=NOW) == ()


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
    assert plan(registry, Right.ACCESS, Scope(), received_at=NOW)
    assert plan(registry, Right.ACCESS, Scope(("user",)), received_at=NOW) == ()


def test_a_retired_system_is_asked_no_more() -> None:
    registry = a_registry(a_system("crm", retired_on=NOW.date()), a_system("mailer"))
    planned = plan(registry, Right.DELETION, Scope(), received_at=NOW)
    assert [one.id for one in planned] == ["mailer"]


@pytest.mark.parametrize(("received", "expected"), [(-1, ["crm", "mailer"]), (0, ["mailer"])])
def test_what_was_sold_is_asked_for_requests_from_before_its_sale(
    received: int, expected: list[str]
) -> None:
    sold_on = date(2026, 6, 1)
    sale = Sale(on=sold_on, to="a buyer")
    organisations = (an_organisation(sold=sale), an_organisation("example-mail"))
    registry = Registry(organisations, (a_system("crm"), a_system("mailer", "example-mail")))
    midnight = datetime.combine(sold_on, time(), UTC)
    received_at = midnight + timedelta(seconds=received)
    planned = plan(registry, Right.DELETION, Scope(), received_at=received_at)
    assert [one.id for one in planned] == expected


def test_systems_are_grouped_by_their_owner_and_sorted() -> None:
    groups = by_organisation(reversed(a_registry().systems))
    assert {owner: [one.id for one in group] for owner, group in groups.items()} == {
        "example-group": ["billing", "crm"],
        "example-mail": ["mailer"],
    }
    assert list(groups) == ["example-group", "example-mail"]
