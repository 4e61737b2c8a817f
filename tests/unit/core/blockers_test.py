"""Blockers: what keeps a request open, told apart, and nothing besides."""

from __future__ import annotations

import pytest

from dsr_core.blockers import Blocker, BlockerKind, Decided, Hold, Owed, Unlinked, Untold, blockers
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition
from support.builders import NOW, days

LATER = NOW + days(1)


def an_owed(system_id: str = "crm", *, is_confirmed: bool = False, **changes: object) -> Owed:
    return Owed(system_id=SystemId(system_id), is_confirmed=is_confirmed, **changes)  # type: ignore[arg-type] # a builder


def kinds(*owed: Owed, **moments: object) -> list[BlockerKind]:
    facts = {
        "awaits_identity": False,
        "accepted_at": NOW,
        "opened_at": NOW,
        "closed_at": None,
        "answered_at": None,
    }
    return [one.kind for one in blockers(owed, **(facts | moments))]  # type: ignore[arg-type] # as above


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [
        (None, BlockerKind.UNANSWERED),
        (Disposition.RECEIVED, BlockerKind.UNANSWERED),
        (Disposition.IN_PROGRESS, BlockerKind.IN_PROGRESS),
        (Disposition.FAILED, BlockerKind.FAILED),
        (Disposition.UNRESOLVABLE, BlockerKind.UNRESOLVABLE),
        (Disposition.ERASED, BlockerKind.UNVERIFIED),
        (Disposition.PRESENT, BlockerKind.UNVERIFIED),
    ],
)
def test_each_way_of_not_confirming_has_a_kind(
    disposition: Disposition | None, kind: BlockerKind
) -> None:
    assert kinds(an_owed(disposition=disposition)) == [kind]


def test_a_contradiction_is_one_whatever_the_last_answer_says() -> None:
    owed = an_owed(is_contradicted=True, disposition=Disposition.ERASED)
    assert kinds(owed) == [BlockerKind.CONTRADICTED]


def test_who_is_not_told_yet_waits_for_those_before_it() -> None:
    def said(*names: str, copies: tuple[RequestId, ...] = ()) -> str:
        waiting = an_owed(waits_for=tuple(SystemId(one) for one in names), waits_for_copies=copies)
        [found] = blockers(
            [waiting],
            awaits_identity=False,
            accepted_at=NOW,
            opened_at=NOW,
            closed_at=None,
            answered_at=None,
        )
        assert found.kind is BlockerKind.WAITING
        return found.what

    assert said("billing", "mailer") == "crm waits for billing, mailer to be done first"
    assert said() == "crm waits for other requests of its cohort to be done first"
    assert said(copies=(RequestId("a"), RequestId("b"))) == (
        "crm waits until the person has a copy of the data, as asked by a, b"
    )
    early = an_owed(waits_for=(), disposition=Disposition.FAILED)
    assert kinds(early) == [BlockerKind.FAILED]


def test_who_has_confirmed_blocks_nothing() -> None:
    found = blockers(
        [an_owed("mailer"), an_owed("billing", is_confirmed=True), an_owed("crm")],
        awaits_identity=False,
        accepted_at=NOW,
        opened_at=LATER,
        closed_at=None,
        answered_at=None,
    )
    assert [(one.system_id, one.since) for one in found] == [("crm", LATER), ("mailer", LATER)]


def test_a_request_whose_obligations_are_not_opened_waits_for_that_alone() -> None:
    assert kinds(opened_at=None) == [BlockerKind.NOT_OPENED]


def test_a_closed_request_waits_for_the_answer_to_the_person() -> None:
    assert kinds(an_owed(is_confirmed=True), closed_at=LATER) == [BlockerKind.NOT_ANSWERED]
    assert kinds(an_owed(is_confirmed=True)) == [BlockerKind.NOT_ANSWERED]


def test_nothing_blocks_what_is_answered() -> None:
    assert kinds(an_owed(), closed_at=LATER, answered_at=LATER) == []


def test_a_request_that_awaits_a_proof_waits_for_that_alone() -> None:
    assert kinds(awaits_identity=True, opened_at=None) == [BlockerKind.IDENTITY_NOT_PROVEN]


def found(*owed: Owed, **decided: object) -> list[Blocker]:
    return list(
        blockers(
            owed,
            awaits_identity=False,
            accepted_at=NOW,
            opened_at=NOW,
            closed_at=None,
            answered_at=None,
            decided=Decided(**decided),  # type: ignore[arg-type] # as above
        )
    )


def a_hold(name: str = "hold-1", *system_ids: str) -> Hold:
    systems = frozenset(SystemId(one) for one in system_ids)
    return Hold(hold_id=name, authority="a court", since=LATER, system_ids=systems)


def test_a_hold_stands_in_the_place_of_the_systems_that_it_covers() -> None:
    one, other = found(an_owed("billing"), an_owed("crm"), holds=(a_hold("hold-1", "billing"),))
    assert (one.kind, one.hold_id, one.owner) == (BlockerKind.LEGAL_HOLD, "hold-1", "a court")
    assert (one.since, one.what) == (LATER, "the legal hold hold-1 suspends billing")
    assert (other.kind, other.system_id) == (BlockerKind.UNANSWERED, "crm")


def test_each_of_two_holds_on_one_system_keeps_it_open() -> None:
    holds = (a_hold("hold-1"), a_hold("hold-2", "crm"))
    assert [one.hold_id for one in found(an_owed("crm"), holds=holds)] == ["hold-1", "hold-2"]


def test_a_hold_whose_systems_have_confirmed_keeps_nothing_open() -> None:
    owed = (an_owed("billing", is_confirmed=True), an_owed("crm"))
    assert [one.kind for one in found(*owed, holds=(a_hold("hold-1", "billing"),))] == [
        BlockerKind.UNANSWERED
    ]


def test_a_clarification_stands_for_the_systems_that_wait_and_not_for_those_that_failed() -> None:
    owed = (an_owed("billing"), an_owed("crm", disposition=Disposition.FAILED), an_owed("mailer"))
    one, other = found(*owed, clarification_since=LATER)
    assert (one.kind, one.since, one.owner) == (
        BlockerKind.CLARIFICATION_AWAITED,
        LATER,
        "the requester",
    )
    assert (other.kind, other.system_id) == (BlockerKind.FAILED, "crm")


def test_while_it_stops_each_system_that_has_not_said_how_far_it_came_is_one() -> None:
    owed = (an_owed("billing"), an_owed("crm", is_confirmed=True))
    [one] = found(*owed, stopping_since=LATER, holds=(a_hold(),))
    assert (one.kind, one.system_id, one.since) == (BlockerKind.STOPPING, "billing", LATER)


def test_systems_that_the_breaker_keeps_from_being_told_are_one_blocker() -> None:
    untold = Untold(since=LATER, system_ids=frozenset(map(SystemId, ("crm", "mailer"))))
    one, other = found(an_owed("crm"), an_owed("mailer"), an_owed("billing"), untold=untold)
    assert (one.kind, one.since, one.owner) == (BlockerKind.BREAKER, LATER, "Privacy office")
    assert "these have not been told: crm, mailer" in one.what
    assert (other.kind, other.system_id) == (BlockerKind.UNANSWERED, "billing")


def test_systems_that_only_undecided_links_can_reach_are_one_blocker() -> None:
    unlinked = Unlinked(
        since=LATER, system_ids=frozenset({SystemId("crm"), SystemId("mailer")}), links=2
    )
    lost = [
        an_owed(one, disposition=Disposition.UNRESOLVABLE) for one in ("billing", "crm", "mailer")
    ]
    found = blockers(
        lost,
        awaits_identity=False,
        accepted_at=NOW,
        opened_at=NOW,
        closed_at=None,
        answered_at=None,
        decided=Decided(unlinked=unlinked),
    )
    assert [(one.kind, one.system_id) for one in found] == [
        (BlockerKind.LINKS_UNDECIDED, None),
        (BlockerKind.UNRESOLVABLE, "billing"),
    ]
    assert (found[0].since, found[0].owner) == (LATER, "Privacy office")
    assert found[0].what.endswith("crm, mailer")


def test_a_system_that_has_said_something_was_told() -> None:
    untold = Untold(since=LATER, system_ids=frozenset({SystemId("crm")}))
    [one] = found(an_owed("crm", disposition=Disposition.FAILED), untold=untold)
    assert one.kind is BlockerKind.FAILED
