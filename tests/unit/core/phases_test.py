"""The order of a plan: copies before what they are from, processors first, who finds out before who needs it."""

from __future__ import annotations

from typing import Any

import pytest

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.phases import PHASES_LIMIT, Why, phases, precedences
from dsr_core.registry import OrganisationRole, Registry, System
from dsr_core.resolving import Confidence, Resolution
from dsr_core.rights import Right
from support.builders import a_registry, a_system, an_organisation

EMAIL_TO_ACCOUNT = Resolution("email", "account_id", Confidence.VERIFIED)


def after(*names: str) -> tuple[SystemId, ...]:
    return tuple(SystemId(one) for one in names)


def a_copy(name: str, *origins: str, **changes: Any) -> System:
    return a_system(name, copies_from=after(*origins), **changes)


def named(
    *systems: System,
    right: Right = Right.DELETION,
    kinds: tuple[str, ...] = ("email",),
    registry: Registry | None = None,
) -> list[list[str]]:
    found = phases(registry or a_registry(*systems), systems, right, kinds)
    return [[one.id for one in phase] for phase in found]


def test_systems_that_nothing_orders_are_in_one_phase() -> None:
    assert named(a_system("b"), a_system("a")) == [["a", "b"]]
    assert named() == []


def test_a_system_erases_after_its_copies_and_after_whom_it_names() -> None:
    systems = [
        a_system("record"),
        a_copy("copy", "record"),
        a_copy("copy-of-copy", "copy"),
        a_system("other", erase_after=after("record")),
    ]
    assert named(*systems) == [["copy-of-copy"], ["copy"], ["record"], ["other"]]


def test_only_what_erases_is_ordered_by_who_copies() -> None:
    systems = a_system("record"), a_copy("copy", "record", erase_after=after("record"))
    for right in set(Right) - {Right.DELETION}:
        assert named(*systems, right=right) == [["copy", "record"]]


def test_who_is_not_planned_orders_nobody() -> None:
    assert named(a_copy("a", "gone"), a_system("b", erase_after=after("gone"))) == [["a", "b"]]


def test_a_ring_is_one_phase_and_what_hangs_on_it_keeps_its_order() -> None:
    systems = a_copy("a", "b"), a_copy("b", "c"), a_copy("c", "a"), a_copy("d", "a")
    assert named(*systems, a_system("e", erase_after=after("c"))) == [["d"], ["a", "b", "c"], ["e"]]


def test_what_lies_too_deep_is_in_the_last_phase() -> None:
    chain = [a_system("s0"), *(a_copy(f"s{one}", f"s{one - 1}") for one in range(1, 7))]
    assert named(*chain) == [["s6"], ["s5"], ["s4"], ["s0", "s1", "s2", "s3"]]
    assert len(named(*chain)) == PHASES_LIMIT


def a_group(*systems: System, policy: bool = True) -> Registry:
    return Registry(
        (
            an_organisation(processors_first=policy),
            an_organisation("example-mail", role=OrganisationRole.SERVICE_PROVIDER),
        ),
        systems,
    )


def test_processors_go_first_where_the_controller_says_so_and_no_system_otherwise() -> None:
    provided = [a_system("mailer", "example-mail"), a_system("audience", "example-mail")]
    systems = (*provided, a_system("crm"))
    assert named(*systems, registry=a_group(*systems)) == [["audience", "mailer"], ["crm"]]
    assert named(*systems, registry=a_group(*systems, policy=False)) == [
        ["audience", "crm", "mailer"]
    ]
    systems = (*provided, a_copy("crm", "mailer"))
    assert named(*systems, registry=a_group(*systems)) == [["audience"], ["crm"], ["mailer"]]


@pytest.mark.parametrize("right", Right)
def test_who_needs_what_another_finds_out_comes_after_it(right: Right) -> None:
    directory = a_system("directory", identifiers=("email",), resolves=(EMAIL_TO_ACCOUNT,))
    activity = a_system("activity", identifiers=("account_id",))
    assert named(directory, activity, right=right) == [["directory"], ["activity"]]
    assert named(directory, activity, right=right, kinds=("account_id",)) == [
        ["activity", "directory"]
    ]
    assert named(directory, activity, right=right, kinds=()) == [["activity", "directory"]]


def test_what_is_found_out_by_way_of_another_kind_comes_later_still() -> None:
    numbers = Resolution("account_id", "customer_number", Confidence.PROBABLE)
    systems = [
        a_system("a", identifiers=("customer_number",)),
        a_system("b", identifiers=("account_id",), resolves=(numbers,)),
        a_system("c", identifiers=("email",), resolves=(EMAIL_TO_ACCOUNT,)),
        a_system("d", identifiers=("device_id",)),
    ]
    assert named(*systems) == [["c", "d"], ["b"], ["a"]]


def test_who_find_each_other_out_are_no_ring() -> None:
    back = Resolution("account_id", "email", Confidence.VERIFIED)
    systems = [
        a_system("a", identifiers=("email",), resolves=(EMAIL_TO_ACCOUNT,)),
        a_system("b", identifiers=("account_id",), resolves=(back,)),
    ]
    assert named(*systems) == [["a"], ["b"]]
    assert named(*systems, kinds=("account_id",)) == [["b"], ["a"]]
    assert named(*systems, kinds=("account_id", "email")) == [["a", "b"]]


def test_to_know_the_person_goes_before_the_order_of_copies() -> None:
    directory = a_system("directory", identifiers=("email",), resolves=(EMAIL_TO_ACCOUNT,))
    copy = a_copy("copy", "directory", identifiers=("account_id",))
    assert named(directory, copy) == [["directory"], ["copy"]]
    assert named(directory, copy, kinds=("account_id", "email")) == [["copy"], ["directory"]]
    [edge] = precedences(a_registry(directory, copy), (directory, copy), Right.DELETION, ["email"])
    assert (edge.before, edge.after, edge.why) == ("directory", "copy", Why.RESOLVES)


def test_every_precedence_says_why() -> None:
    systems = (
        a_system("crm", erase_after=after("mailer")),
        a_system("mailer", "example-mail"),
        a_copy("copy", "crm"),
    )
    found = precedences(a_group(*systems), systems, Right.DELETION, ())
    assert [(one.before, one.after, one.why.value) for one in found] == [
        ("copy", "crm", "copies_from"),
        ("mailer", "copy", "processors_first"),
        ("mailer", "crm", "erase_after"),
        ("mailer", "crm", "processors_first"),
    ]


def test_a_thousand_systems_in_a_row_are_ordered() -> None:
    chain = [a_system("s0"), *(a_copy(f"s{one}", f"s{one - 1}") for one in range(1, 1000))]
    assert [len(one) for one in named(*chain)] == [1, 1, 1, 997]


def test_a_system_of_an_unknown_organisation_has_no_policy() -> None:
    stray = a_system("stray", OrganisationId("nobody"))
    assert named(stray, registry=Registry((), (stray,))) == [["stray"]]
