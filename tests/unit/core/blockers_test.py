"""Blockers: what keeps a request open, told apart, and nothing besides."""

from __future__ import annotations

import pytest

from dsr_core.blockers import BlockerKind, Owed, blockers
from dsr_core.ids import SystemId
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
    ],
)
def test_each_way_of_not_confirming_has_a_kind(
    disposition: Disposition | None, kind: BlockerKind
) -> None:
    assert kinds(an_owed(disposition=disposition)) == [kind]


def test_a_contradiction_is_one_whatever_the_last_answer_says() -> None:
    owed = an_owed(is_contradicted=True, disposition=Disposition.ERASED)
    assert kinds(owed) == [BlockerKind.CONTRADICTED]


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
