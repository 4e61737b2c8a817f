"""Blockers: the smallest set of facts that keep a subject request from its end.

Were every one of them gone, the request would close; while one is left, it cannot. A test holds that
against the closing rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_core.ids import SystemId
from dsr_core.rights import Disposition

__all__ = ["Blocker", "BlockerKind", "Owed", "blockers"]


class BlockerKind(StrEnum):
    """What keeps a request open."""

    IDENTITY_NOT_PROVEN = "identity_not_proven"
    """It is not proven who asks: the requester brings a proof, or an operator decides."""

    NOT_OPENED = "obligations_not_opened"
    """The ledger does not know yet who must answer."""

    UNANSWERED = "system_unanswered"
    IN_PROGRESS = "system_in_progress"
    FAILED = "system_failed"
    UNRESOLVABLE = "system_unresolvable"
    """The system cannot tell who is meant: a person has to bring another identifier."""

    CONTRADICTED = "answers_contradict"
    NOT_ANSWERED = "requester_not_answered"
    """Every system has confirmed, and the requester does not have the answer yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One obligation as the ledger shows it."""

    system_id: SystemId
    is_confirmed: bool
    is_contradicted: bool = False
    disposition: Disposition | None = None
    answered_at: datetime | None = None
    retry_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """One fact that keeps a request open."""

    kind: BlockerKind
    since: datetime
    what: str
    """One sentence for a person, without personal data."""

    system_id: SystemId | None = None
    retry_at: datetime | None = None
    """When its system tries again by itself; none where it has not said so."""


def blockers(
    obligations: Sequence[Owed],
    *,
    awaits_identity: bool,
    accepted_at: datetime,
    opened_at: datetime | None,
    closed_at: datetime | None,
    answered_at: datetime | None,
) -> tuple[Blocker, ...]:
    """Return what keeps a request from its end; nothing where it has ended.

    Args:
        obligations: Every obligation that the ledger has for the request.
        awaits_identity: Whether it is still to be proven who asks.
        accepted_at: When the request was accepted.
        opened_at: When its obligations were opened; none while they are not.
        closed_at: When every system had confirmed; none before.
        answered_at: When the requester had the answer; none before.
    """
    if answered_at is not None:
        return ()
    if closed_at is not None:
        what = "every system has confirmed; the answer to the requester is being made"
        return (Blocker(kind=BlockerKind.NOT_ANSWERED, since=closed_at, what=what),)
    if awaits_identity:
        what = "it is not proven who asks, so no system has been asked"
        return (Blocker(kind=BlockerKind.IDENTITY_NOT_PROVEN, since=accepted_at, what=what),)
    if opened_at is None:
        what = "it is not on record yet which systems must answer"
        return (Blocker(kind=BlockerKind.NOT_OPENED, since=accepted_at, what=what),)
    missing = sorted(
        (one for one in obligations if not one.is_confirmed), key=lambda one: one.system_id
    )
    if not missing:
        what = "every system has confirmed; the closure is on its way"
        return (Blocker(kind=BlockerKind.NOT_ANSWERED, since=opened_at, what=what),)
    return tuple(_of_system(one, opened_at) for one in missing)


def _of_system(one: Owed, opened_at: datetime) -> Blocker:
    kind, what = _said(one)
    return Blocker(
        kind=kind,
        since=one.answered_at or opened_at,
        what=what,
        system_id=one.system_id,
        retry_at=one.retry_at,
    )


def _said(one: Owed) -> tuple[BlockerKind, str]:
    name = one.system_id
    because = f": {one.reason}" if one.reason else ""
    if one.is_contradicted:
        return BlockerKind.CONTRADICTED, f"the answers of {name} contradict each other"
    match one.disposition:
        case None | Disposition.RECEIVED:
            return BlockerKind.UNANSWERED, f"{name} has not answered"
        case Disposition.IN_PROGRESS:
            return BlockerKind.IN_PROGRESS, f"{name} is at work{because}"
        case Disposition.UNRESOLVABLE:
            return BlockerKind.UNRESOLVABLE, f"{name} cannot tell who is meant{because}"
        case _:
            return BlockerKind.FAILED, f"{name} could not do it{because}"
