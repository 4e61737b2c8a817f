"""Replanning: what newer registry versions change for a request that is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.plan import Scope
from dsr_core.registry import Registry, Sale, System
from dsr_core.replan import Replan, Succession, Version, replan
from dsr_core.rights import Right
from support.builders import NOW, a_registry, a_system, an_organisation, days

EVERYTHING = Scope()
A, B, C = a_system("a"), a_system("b"), a_system("c", "example-mail")


def retired(one: System, successor: str | None = None) -> System:
    name = SystemId(successor) if successor else None
    return replace(one, retired_on=NOW.date(), successor=name)


def sold(*systems: System, on: datetime = NOW, organisation: str = "example-mail") -> Registry:
    """A version in which an organisation was sold."""
    registry = a_registry(*systems)
    sale = Sale(on=on.date(), to="a buyer")
    return Registry(
        tuple(
            an_organisation(one.id, sold=sale if one.id == organisation else None)
            for one in registry.organisations
        ),
        registry.systems,
    )


def changes(
    planned: Registry, *later: Registry, received_at: datetime = NOW, scope: Scope = EVERYTHING
) -> Replan:
    """What versions change that were published a day apart."""
    versions: list[Version] = [(NOW + days(n), one) for n, one in enumerate(later, start=1)]
    return replan(planned, versions, Right.DELETION, scope, received_at=received_at)


def ids(one: Replan) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Who is added, removed and succeeded by whom."""
    pairs = [(each.retired, each.heir.id) for each in one.successions]
    return [each.id for each in one.added], list(one.removed), pairs


def test_nothing_changes_without_a_newer_version_and_by_one_that_says_the_same() -> None:
    assert changes(a_registry(A, B)) == Replan()
    assert changes(a_registry(A, B), a_registry(A, replace(B, name="Another"))) == Replan()


def test_who_joins_is_asked_and_who_is_no_more_there_is_not_let_off() -> None:
    assert ids(changes(a_registry(A, B), a_registry(A, C))) == (["c"], [], [])
    assert changes(a_registry(A, B), a_registry(A, retired(B))) == Replan()


def test_a_retired_system_is_succeeded_though_the_scope_does_not_name_its_successor() -> None:
    scope = Scope(organisation_ids=(OrganisationId("example-group"),))
    found = changes(a_registry(A, B), a_registry(A, retired(B, "c"), C), scope=scope)
    assert ids(found) == ([], [], [("b", "c")])
    assert found.told == (C,)
    assert (found.since("c"), found.since("a")) == (NOW + days(1), None)


def test_what_follows_from_the_answer_of_one_system_stays_that_system_s() -> None:
    scope = Scope(system_ids=(SystemId("b"),))
    found = changes(a_registry(A, B), a_registry(A, retired(B, "c"), C), scope=scope)
    assert (found, found.owing) == (Replan(), {"b"})


def test_a_successor_that_was_asked_before_is_told_again() -> None:
    found = changes(a_registry(A, B), a_registry(A, retired(B, "a")))
    assert found == Replan(successions=(Succession(SystemId("b"), A, NOW + days(1)),))
    assert found.told == (A,)


def test_the_last_of_the_successors_owes_and_its_time_is_that_of_the_version_that_said_so() -> None:
    second = a_registry(retired(A, "b"), B)
    third = a_registry(retired(A, "b"), retired(B, "c"), C)
    fourth = a_registry(*third.systems, a_system("d"))
    found = changes(a_registry(A), second, third, fourth)
    assert ids(found) == (["c", "d"], [], [("a", "c"), ("b", "c")])
    assert found.since("c") == NOW + days(2)


def test_who_was_never_asked_is_succeeded_by_nobody() -> None:
    gone = retired(a_system("z"), "c")
    assert changes(a_registry(A, gone, C), a_registry(A, gone, C, B)).successions == ()
    assert ids(changes(a_registry(A, C), a_registry(A, gone, C))) == ([], [], [])


def test_who_joined_and_was_retired_since_is_succeeded() -> None:
    found = changes(a_registry(A), a_registry(A, B), a_registry(A, retired(B, "c"), C))
    assert ids(found) == (["c"], [], [("b", "c")])


def test_who_comes_back_is_asked_again() -> None:
    first = a_registry(A, B)
    found = changes(first, a_registry(A, retired(B, "a")), a_registry(A, B, C))
    assert ids(found) == (["b", "c"], [], [])
    assert ids(changes(first, a_registry(retired(A), B), first)) == ([], [], [])
    out = changes(a_registry(A, C), sold(A, C), a_registry(A, C, B))
    assert ids(out) == (["b", "c"], [], [])


@pytest.mark.parametrize(("received", "removed"), [(-1, []), (0, ["c"]), (1, ["c"])])
def test_a_sale_lets_off_for_requests_that_came_after_it(received: int, removed: list[str]) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + timedelta(seconds=received)
    assert ids(changes(a_registry(A, C), sold(A, C), received_at=at)) == ([], removed, [])


def test_nobody_is_let_off_where_nobody_would_be_left() -> None:
    assert changes(a_registry(C), sold(C)) == Replan()
    assert ids(changes(a_registry(C), sold(C, A))) == (["a"], ["c"], [])


def test_nobody_is_succeeded_by_a_system_that_was_sold_before_the_request() -> None:
    found = changes(a_registry(A, B), sold(A, retired(B, "c"), C))
    assert found == Replan()
    before = changes(a_registry(A, B), sold(A, retired(B, "c"), C), received_at=NOW - days(1))
    assert ids(before) == (["c"], [], [("b", "c")])
