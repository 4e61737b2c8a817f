"""Blockers: the smallest set of facts that keep a subject request from its end.

Were every one of them gone, the request would close; while one is left, it cannot. A test holds that
against the closing rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition

__all__ = [
    "Blocker",
    "BlockerKind",
    "Decided",
    "Hold",
    "Owed",
    "Proposed",
    "Unlinked",
    "Untold",
    "blockers",
]


class BlockerKind(StrEnum):
    """What keeps a request open."""

    IDENTITY_NOT_PROVEN = "identity_not_proven"
    """It is not proven who asks: the requester brings a proof, or an operator decides."""

    AUTHORITY_NOT_PROVEN = "authority_not_proven"
    """Somebody asks for another person, and it is not shown that they may: an operator decides."""

    APPEAL_UNDECIDED = "appeal_undecided"
    """It asks that an earlier decision be reviewed: somebody who did not take that one decides."""

    NOT_OPENED = "obligations_not_opened"
    """The ledger does not know yet who must answer."""

    UNANSWERED = "system_unanswered"
    WAITING = "system_waits_its_turn"
    """The system is asked once others have confirmed, or at the first tier."""

    IN_PROGRESS = "system_in_progress"
    FAILED = "system_failed"
    UNRESOLVABLE = "system_unresolvable"
    """The system cannot tell who is meant: a person has to bring another identifier."""

    LINKS_UNDECIDED = "links_undecided"
    """Systems found identifiers out that speak against each other, or of somebody else, and what they would
    be used for cannot be done without: people decide whose they are."""

    UNVERIFIED = "erasure_unverified"
    """The system has erased, and has yet to look again; or did, and something was still there."""

    CONTRADICTED = "answers_contradict"
    NOT_SIGNED = "settlement_not_approved"
    """A person has proposed an answer in place of the system: another one approves it."""

    CLARIFICATION_AWAITED = "clarification_awaited"
    """The person was asked what exactly is meant, and systems cannot go on without knowing."""

    LEGAL_HOLD = "legal_hold"
    """A hold suspends what systems have not done yet; whoever ordered it lifts it."""

    BREAKER = "breaker_tripped"
    """More was to be erased than is usual, so systems have not been told: two people let it go on."""

    STOPPING = "system_not_stopped"
    """The request ends without being followed, and the system has not said how far it had come."""

    NOT_ANSWERED = "requester_not_answered"
    """Every system has confirmed, and the requester does not have the answer yet."""

    LETTER_BOUNCED = "letter_bounced"
    """The letter that answers came back: the privacy office decides how the requester is told."""


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
    answers_for: tuple[SystemId, ...] = ()
    """Retired systems whose data it has taken over."""

    asked_since: datetime | None = None
    """When it took over the last of them: an answer from before does not count."""

    waits_for: tuple[SystemId, ...] | None = None
    """Of a system that was not told yet: those of this request that have to confirm before it is."""

    waits_for_copies: tuple[RequestId, ...] = ()
    """Of such a system: the requests for the person's data whose copies are to be made first."""

    @property
    def is_outdated(self) -> bool:
        """Whether it has answered, and not since it took over."""
        if self.asked_since is None or self.answered_at is None:
            return False
        return self.answered_at < self.asked_since


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A legal hold that covers the request and is not lifted."""

    hold_id: str
    authority: str
    """Who ordered it."""

    since: datetime
    system_ids: frozenset[SystemId] = frozenset()
    """The systems that it covers; empty means all of them."""

    def covers(self, system_id: SystemId) -> bool:
        """Tell whether a system is held."""
        return not self.system_ids or system_id in self.system_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """Systems that have not been told, since the breaker has stopped erasures."""

    since: datetime
    system_ids: frozenset[SystemId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """Systems that know people by identifiers alone about which people have to decide."""

    since: datetime
    system_ids: frozenset[SystemId]
    links: int
    """How many are to be decided about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """An answer that one person has proposed in place of a system, and nobody has approved."""

    system_id: SystemId
    by: str
    """Who proposed it, and so cannot approve it."""

    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What keeps systems from going on, other than themselves."""

    holds: tuple[Hold, ...] = ()
    untold: Untold | None = None
    unlinked: Unlinked | None = None
    clarification_since: datetime | None = None
    """When the person was asked what is meant; none while nothing is awaited."""

    appealed_since: datetime | None = None
    """When a review of an earlier decision was asked for that is not decided; none where none was."""

    stopping_since: datetime | None = None
    """When it was decided that the request ends without being followed; none where it does not."""

    proposals: tuple[Proposed, ...] = ()
    """The oldest first."""


_NOTHING = Decided()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """One fact that keeps a request open."""

    kind: BlockerKind
    since: datetime
    what: str
    """One sentence for a person, without personal data."""

    system_id: SystemId | None = None
    hold_id: str | None = None
    owner: str | None = None
    """Who can change it, where that is no system's owner."""

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
    decided: Decided = _NOTHING,
    bounced_at: datetime | None = None,
    awaits_authority: bool = False,
    planned: Sequence[SystemId] = (),
) -> tuple[Blocker, ...]:
    """Return what keeps a request from its end; nothing where it has ended.

    What keeps a system from confirming stands in its place: the holds that cover it, the breaker, the
    answer that is awaited from the person. A system that nothing of the kind keeps is its own, unless
    an answer was proposed in its place. Before systems are asked, what will keep them from answering
    is among it.

    Args:
        obligations: Every obligation that the ledger has for the request.
        awaits_identity: Whether it is still to be proven who asks, now or once the authority is shown.
        accepted_at: When the request was accepted.
        opened_at: When its obligations were opened; none while they are not.
        closed_at: When every system had confirmed; none before.
        answered_at: When the requester had the answer; none before.
        decided: What people have decided that keeps systems from going on.
        awaits_authority: Whether it is still to be shown that somebody may ask for another person.
        bounced_at: When the letter that answers came back; none where it has not.
        planned: The systems that will be asked, where the obligations are not opened.
    """
    if answered_at is not None:
        return ()
    if closed_at is not None:
        return (_of_answer(closed_at, bounced_at),)
    if awaits_identity or awaits_authority:
        authority, identity = _premature(accepted_at)
        awaited = ((authority, awaits_authority), (identity, awaits_identity))
        proofs = (one for one, is_awaited in awaited if is_awaited)
        return (*proofs, *_ahead(planned, accepted_at, decided))
    if decided.appealed_since is not None or opened_at is None:
        return (_unopened(accepted_at, decided), *_ahead(planned, accepted_at, decided))
    missing = sorted(
        (one for one in obligations if not one.is_confirmed), key=lambda one: one.system_id
    )
    if not missing:
        what = "every system has confirmed; the closure is on its way"
        return (Blocker(kind=BlockerKind.NOT_ANSWERED, since=opened_at, what=what),)
    return _of_systems(missing, opened_at, decided)


def _unopened(accepted_at: datetime, decided: Decided) -> Blocker:
    if decided.appealed_since is not None:
        return Blocker(
            kind=BlockerKind.APPEAL_UNDECIDED,
            since=decided.appealed_since,
            what="the appeal is not decided, so no system has been asked",
            owner="Privacy office",
        )
    what = "it is not on record yet which systems must answer"
    return Blocker(kind=BlockerKind.NOT_OPENED, since=accepted_at, what=what)


def _ahead(
    planned: Sequence[SystemId], accepted_at: datetime, decided: Decided
) -> tuple[Blocker, ...]:
    """Return what will keep systems from answering that are not asked yet."""
    unasked = [Owed(system_id=one, is_confirmed=False) for one in planned]
    found = _of_systems(unasked, accepted_at, decided)
    return tuple(one for one in found if one.system_id is None)


def _of_systems(
    missing: Sequence[Owed], opened_at: datetime, decided: Decided
) -> tuple[Blocker, ...]:
    proposed = {one.system_id: one for one in reversed(decided.proposals)}

    def signed(one: Owed, otherwise: Blocker) -> Blocker:
        proposal = proposed.get(one.system_id)
        return _not_signed(proposal) if proposal else otherwise

    since = decided.stopping_since
    if since is not None:
        return tuple(signed(one, _not_stopped(one, since)) for one in missing)
    found = [_of_hold(hold, missing) for hold in decided.holds]
    kept = {one.system_id for one in missing if any(h.covers(one.system_id) for h in decided.holds)}
    if decided.untold is not None:
        untold = decided.untold
        stopped = [one for one in missing if one.system_id in untold.system_ids and _is_silent(one)]
        kept.update(one.system_id for one in stopped)
        found.append(_of_breaker(untold.since, stopped))
    if decided.unlinked is not None:
        lost = [one for one in missing if _is_lost(one, decided.unlinked)]
        kept.update(one.system_id for one in lost)
        found.append(_of_links(decided.unlinked, lost))
    if decided.clarification_since is not None:
        waiting = {one.system_id for one in missing if _waits(one)}
        kept |= waiting
        found.append(_clarification(decided.clarification_since) if waiting else None)
    free = [one for one in missing if one.system_id not in kept]
    own = (signed(one, _of_system(one, opened_at)) for one in free)
    return (*(one for one in found if one), *own)


def _is_silent(one: Owed) -> bool:
    return one.disposition is None and not one.is_contradicted


def _of_breaker(since: datetime, untold: Sequence[Owed]) -> Blocker | None:
    if not untold:
        return None
    names = ", ".join(one.system_id for one in untold)
    return Blocker(
        kind=BlockerKind.BREAKER,
        since=since,
        what=f"more was to be erased than is usual, so these have not been told: {names}",
        owner="Privacy office",
    )


def _is_lost(one: Owed, unlinked: Unlinked) -> bool:
    is_unresolvable = one.disposition is Disposition.UNRESOLVABLE and not one.is_contradicted
    return is_unresolvable and one.system_id in unlinked.system_ids


def _of_links(unlinked: Unlinked, lost: Sequence[Owed]) -> Blocker | None:
    if not lost:
        return None
    names = ", ".join(one.system_id for one in lost)
    return Blocker(
        kind=BlockerKind.LINKS_UNDECIDED,
        since=unlinked.since,
        what=f"{unlinked.links} links are to be decided about, and without them these cannot tell"
        f" who is meant: {names}",
        owner="Privacy office",
    )


def _waits(one: Owed) -> bool:
    has_failed = one.disposition is Disposition.FAILED and not one.is_outdated
    return not one.is_contradicted and not has_failed


def _clarification(since: datetime) -> Blocker:
    return Blocker(
        kind=BlockerKind.CLARIFICATION_AWAITED,
        since=since,
        what="the requester was asked what exactly is meant",
        owner="the requester",
    )


def _of_hold(hold: Hold, missing: Sequence[Owed]) -> Blocker | None:
    """Return what a hold keeps open; nothing where all that it covers have confirmed."""
    names = [one.system_id for one in missing if hold.covers(one.system_id)]
    if not names:
        return None
    return Blocker(
        kind=BlockerKind.LEGAL_HOLD,
        since=hold.since,
        what=f"the legal hold {hold.hold_id} suspends {', '.join(names)}",
        hold_id=hold.hold_id,
        owner=hold.authority,
    )


def _not_signed(one: Proposed) -> Blocker:
    return Blocker(
        kind=BlockerKind.NOT_SIGNED,
        since=one.since,
        what=f"{one.by} has proposed an answer in place of {one.system_id}, and nobody approved it",
        system_id=one.system_id,
        owner="Privacy office",
    )


def _not_stopped(one: Owed, since: datetime) -> Blocker:
    return Blocker(
        kind=BlockerKind.STOPPING,
        since=since,
        what=f"{one.system_id} has not said how far it had come",
        system_id=one.system_id,
        retry_at=one.retry_at,
    )


def _premature(accepted_at: datetime) -> tuple[Blocker, Blocker]:
    """Return the proofs that can be awaited; that of who asks comes after that of the authority."""
    return (
        Blocker(
            kind=BlockerKind.AUTHORITY_NOT_PROVEN,
            since=accepted_at,
            what="it is not shown that the requester may ask for the person, so no system has been asked",
        ),
        Blocker(
            kind=BlockerKind.IDENTITY_NOT_PROVEN,
            since=accepted_at,
            what="it is not proven who asks, so no system has been asked",
        ),
    )


def _of_answer(closed_at: datetime, bounced_at: datetime | None) -> Blocker:
    if bounced_at is not None:
        what = "the letter that answers the requester came back"
        return Blocker(
            kind=BlockerKind.LETTER_BOUNCED, since=bounced_at, what=what, owner="Privacy office"
        )
    what = "every system has confirmed; the answer to the requester is being made"
    return Blocker(kind=BlockerKind.NOT_ANSWERED, since=closed_at, what=what)


def _of_system(one: Owed, opened_at: datetime) -> Blocker:
    kind, what = _said(one)
    return Blocker(
        kind=kind,
        since=_since(one, opened_at),
        what=what,
        system_id=one.system_id,
        retry_at=one.retry_at,
    )


def _since(one: Owed, opened_at: datetime) -> datetime:
    if one.answered_at is None or one.is_outdated:
        return one.asked_since or opened_at
    return one.answered_at


def _said(one: Owed) -> tuple[BlockerKind, str]:
    also = f" (for {', '.join(one.answers_for)} as well)" if one.answers_for else ""
    name = f"{one.system_id}{also}"
    if one.is_outdated:
        return BlockerKind.UNANSWERED, f"{name} has not answered since it took that over"
    if one.waits_for is not None and one.disposition is None and not one.is_contradicted:
        if one.waits_for_copies:
            asked = ", ".join(one.waits_for_copies)
            what = f"{name} waits until the person has a copy of the data, as asked by {asked}"
            return BlockerKind.WAITING, what
        first = ", ".join(one.waits_for) or "other requests of its cohort"
        return BlockerKind.WAITING, f"{name} waits for {first} to be done first"
    because = f": {one.reason}" if one.reason else ""
    if one.is_contradicted and one.disposition is not Disposition.PRESENT:
        return BlockerKind.CONTRADICTED, f"the answers of {name} contradict each other"
    kind, what = _MEANS.get(one.disposition, _COULD_NOT)
    return kind, f"{name} {what}{because}"


_COULD_NOT = (BlockerKind.FAILED, "could not do it")
_MEANS = {
    None: (BlockerKind.UNANSWERED, "has not answered"),
    Disposition.RECEIVED: (BlockerKind.UNANSWERED, "has not answered"),
    Disposition.IN_PROGRESS: (BlockerKind.IN_PROGRESS, "is at work"),
    Disposition.UNRESOLVABLE: (BlockerKind.UNRESOLVABLE, "cannot tell who is meant"),
    Disposition.ERASED: (BlockerKind.UNVERIFIED, "has erased, and has yet to look again"),
    Disposition.PRESENT: (BlockerKind.UNVERIFIED, "looked again, and something was still there"),
}
"""What an answer means that does not confirm."""
