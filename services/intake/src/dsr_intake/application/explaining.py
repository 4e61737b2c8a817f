"""Explaining: why a subject request is still open, who can change that, and what comes by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dsr_core.blockers import (
    Blocker,
    BlockerKind,
    Decided,
    Hold,
    Owed,
    Proposed,
    Unlinked,
    Untold,
    blockers,
)
from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId, SystemId
from dsr_core.law.facts import FactKind
from dsr_core.law.rules import Regime, TierAction
from dsr_core.law.timeline import Entry
from dsr_core.lifecycle import State
from dsr_core.plan import plan
from dsr_core.registry import System
from dsr_core.rights import Disposition
from dsr_intake.application.assurance import needed
from dsr_intake.application.authorising import opens_once_shown
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating, verify_by
from dsr_intake.application.forming import dated
from dsr_intake.application.letters.sending import ANSWERS
from dsr_intake.application.owners import Owner, owner_of, with_heirs
from dsr_intake.application.promises import AtRisk, Upcoming, at_risk, receipt_untold
from dsr_intake.application.stopping import ENDINGS
from dsr_intake.model import Letter, LetterState, RequestView
from dsr_intake.model.principals import Sight
from dsr_intake.ports import (
    DecisionStore,
    HoldStore,
    Ledger,
    LetterStore,
    ProposalStore,
    ReadStore,
    RegistryView,
)
from dsr_intake.ports.breaker import BreakerStore
from dsr_intake.ports.links import LinkStore

__all__ = ["Explained", "Explaining", "Explanation"]

_TIERS = {
    TierAction.REMIND_SYSTEMS: "the systems that have not confirmed are reminded",
    TierAction.ESCALATE_TO_ORGANISATION: "the owners of the organisations that are missing are told",
    TierAction.ESCALATE_TO_PRIVACY_OFFICE: "the privacy office is told",
    TierAction.RECORD_BREACH: "that the legal date has passed is put on record",
}

_APPEAL_TIERS = _TIERS | {
    TierAction.REMIND_SYSTEMS: "the privacy office is reminded",
    TierAction.ESCALATE_TO_ORGANISATION: "the privacy office is reminded again",
}
"""Of an appeal, whose decision is the privacy office's alone."""

_NO_CODE = "a code proves one email address, and its identity is more or other than that: an operator decides"

_NOT_PROVEN = (BlockerKind.IDENTITY_NOT_PROVEN, BlockerKind.AUTHORITY_NOT_PROVEN)

_FOR_THE_OFFICE = (
    BlockerKind.LETTER_BOUNCED,
    BlockerKind.APPEAL_UNDECIDED,
    BlockerKind.NOT_SIGNED,
    BlockerKind.BREAKER,
    BlockerKind.LINKS_UNDECIDED,
)


@dataclass(frozen=True, slots=True)
class Explained:
    """One blocker, whose it is, and what comes by itself."""

    blocker: Blocker
    system: System | None
    upcoming: Upcoming | None
    owner: str | None = None
    """The team whose it is; none where it comes by itself."""

    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request is still open."""

    blockers: tuple[Explained, ...]
    at_risk: AtRisk | None
    """What does not keep it open, and will move a legal date if nobody does anything; none where there is
    nothing of that kind."""

    next_date: Entry | None
    """The next legal date; none where all have passed."""


class Explaining:
    """Explains requests from what the ledger, the registry and the rules say."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        decisions: DecisionStore,
        letters: LetterStore,
        holds: HoldStore,
        breaker: BreakerStore,
        proposals: ProposalStore,
        links: LinkStore,
        reads: ReadStore,
        registry: RegistryView,
        dating: Dating,
        privacy_office: str | None,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._decisions = decisions
        self._letters = letters
        self._privacy_office = privacy_office
        self._holds = holds
        self._breaker = breaker
        self._proposals = proposals
        self._links = links
        self._reads = reads
        self._registry = registry
        self._dating = dating
        self._clock = clock

    async def explain(self, one: RequestView) -> Explanation:
        """Return what keeps a request open, and what comes next.

        Raises:
            Unavailable: The verifier, or a version that the request pins, is away.
        """
        now = self._clock()
        first = one if one.duplicate_of is None else await self._reads.any(one.duplicate_of)
        document = await self._ledger.obligations(one.answered_with)
        opened_at, owed = _read(document) if document is not None else (None, ())
        written = await self._letters.of(one.request_id)
        letter = _answering(one, written)
        has_bounced = letter is not None and letter.state is LetterState.BOUNCED
        rules = await self._registry.rules(one.rules_digest)
        regime = self._dating.regime(rules, one)
        awaits_authority = one.state is State.AWAITING_AUTHORITY
        found = blockers(
            owed,
            awaits_identity=one.state is State.AWAITING_IDENTITY
            or (awaits_authority and not opens_once_shown(one, regime, None)),
            awaits_authority=awaits_authority,
            accepted_at=one.accepted_at,
            opened_at=opened_at,
            closed_at=one.closed_at,
            answered_at=one.answered_at,
            decided=await self._decided(first or one),
            bounced_at=letter.settled_at if letter is not None and has_bounced else None,
            planned=await self._planned(one),
        )
        wanted = await self._needed(one, regime)
        dates = self._dating.timeline(regime, one)
        until = verify_by(dates)
        next_date = next((entry for entry in dates.entries if entry.at and entry.at > now), None)
        is_running = dates.respond_by is not None
        tiers = dated(regime.tiers, one.counted_from, one.due_at) if is_running else ()
        said = _APPEAL_TIERS if one.state is State.AWAITING_DECISION else _TIERS
        next_tier = next(
            (Upcoming(tier.at, said[tier.action]) for tier in tiers if tier.at > now), None
        )

        def explained(blocker: Blocker) -> Explained:
            if blocker.kind is BlockerKind.IDENTITY_NOT_PROVEN and not one.is_one_address:
                blocker = replace(blocker, what=f"{blocker.what}; {_NO_CODE}")
            if blocker.kind is BlockerKind.IDENTITY_NOT_PROVEN and wanted:
                blocker = replace(blocker, what=f"{blocker.what}; {wanted}")
            owner = self._owner(blocker, now)
            theirs = owner if blocker.owner is None else None
            if theirs is not None and theirs.remark:
                blocker = replace(blocker, what=f"{blocker.what}; {theirs.remark}")
            upcoming = _upcoming(blocker, until, next_tier, now) or _end_of_stopping(
                one, blocker, now
            )
            if letter is not None and letter.next_try_at is not None:
                upcoming = Upcoming(letter.next_try_at, "the letter that answers is tried again")
            is_office = blocker.kind in _FOR_THE_OFFICE
            return Explained(
                blocker,
                owner.system if owner else None,
                upcoming,
                owner=theirs.name if theirs else blocker.owner,
                contact=theirs.contact if theirs else self._privacy_office if is_office else None,
            )

        return Explanation(
            tuple(explained(blocker) for blocker in found),
            at_risk(one, dates, written, contact=self._privacy_office, now=now)
            or receipt_untold(one, dates, written, contact=self._privacy_office, now=now),
            next_date,
        )

    async def _needed(self, one: RequestView, regime: Regime) -> str | None:
        """Return in words what a proof of who asks must be; none where any will do, or none is awaited."""
        if one.state is not State.AWAITING_IDENTITY:
            return None
        registry = await self._registry.version(one.registry_digest)
        kinds, at = one.identifier_kinds, one.received_at
        return needed(regime, registry, one.right, one.scope, kinds, received_at=at).words

    def _owner(self, blocker: Blocker, now: datetime) -> Owner | None:
        if blocker.system_id is None:
            return None
        office = self._privacy_office
        return owner_of(blocker.system_id, self._registry, privacy_office=office, at=now)

    async def _planned(self, one: RequestView) -> list[SystemId]:
        """Return the systems that an open request was planned for; none of one that is answered."""
        if one.answered_at is not None:
            return []
        registry = await self._registry.version(one.registry_digest)
        planned = plan(registry, one.right, one.scope, received_at=one.received_at)
        return [system.id for system in planned]

    async def _decided(self, one: RequestView) -> Decided:
        proposals = tuple(
            Proposed(system_id=each.system_id, by=each.proposed_by, since=each.proposed_at)
            for each in await self._proposals.proposals(one.request_id)
            if each.approved_at is None
        )
        if one.state is State.STOPPING:
            entries = await self._decisions.entries(one.request_id)
            [ending] = [each for each in entries if each.kind in ENDINGS]
            return Decided(stopping_since=ending.effective_at, proposals=proposals)
        asked_at: datetime | None = None
        if one.state is State.AWAITING_CLARIFICATION:
            asked = [each for each in one.facts if each.kind is FactKind.CLARIFICATION_ASKED]
            asked_at = asked[-1].effective_at
        held = await self._holds.of_request(one.request_id)
        current = self._registry.current
        return Decided(
            appealed_since=one.received_at if one.state is State.AWAITING_DECISION else None,
            clarification_since=asked_at,
            untold=await self._untold(one),
            unlinked=await self._unlinked(one),
            proposals=proposals,
            holds=tuple(
                Hold(
                    hold_id=each.hold.hold_id,
                    authority=each.hold.authority,
                    since=each.hold.effective_at,
                    system_ids=frozenset(
                        SystemId(name) for name in with_heirs(current, each.system_ids)
                    ),
                )
                for each in held
            ),
        )

    async def _unlinked(self, one: RequestView) -> Unlinked | None:
        open_links = await self._links.undecided(Sight(), request_id=one.request_id)
        if not open_links:
            return None
        kinds = {each.kind for each in open_links}
        registry = await self._registry.version(one.registry_digest)
        return Unlinked(
            since=min(each.recorded_at for each in open_links),
            system_ids=frozenset(
                system.id for system in registry.systems if not kinds.isdisjoint(system.identifiers)
            ),
            links=len({each.link_id for each in open_links}),
        )

    async def _untold(self, one: RequestView) -> Untold | None:
        stopped = await self._breaker.stopped(one.home_cohort_id)
        if stopped is None:
            return None
        registry = await self._registry.version(one.registry_digest)
        return Untold(
            since=stopped.since,
            system_ids=frozenset(
                system.id
                for system in registry.systems
                if system.organisation_id in stopped.organisation_ids
            ),
        )


def _answering(one: RequestView, written: Sequence[Letter]) -> Letter | None:
    """Return the letter that a closed request waits for."""
    if one.state is not State.CLOSED:
        return None
    return next((letter for letter in written if letter.kind in ANSWERS), None)


def _end_of_stopping(one: RequestView, blocker: Blocker, now: datetime) -> Upcoming | None:
    if blocker.kind is not BlockerKind.STOPPING:
        return None
    return Upcoming(max(one.due_at, now), "it ends as was decided, with what is known")


def _upcoming(
    blocker: Blocker, until: datetime | None, next_tier: Upcoming | None, now: datetime
) -> Upcoming | None:
    """Return what comes first: the end of waiting for a proof, a system's own next try, or a tier."""
    if blocker.kind in _NOT_PROVEN and until is not None:
        return Upcoming(until, "it ends as not verified")
    if blocker.kind in {BlockerKind.CLARIFICATION_AWAITED, BlockerKind.APPEAL_UNDECIDED}:
        return next_tier
    if blocker.system_id is None or blocker.kind is BlockerKind.STOPPING:
        return None
    if blocker.retry_at is None or blocker.retry_at <= now:
        return next_tier
    retry = Upcoming(blocker.retry_at, f"{blocker.system_id} tries again")
    return retry if next_tier is None or retry.at <= next_tier.at else next_tier


def _read(document: Mapping[str, Any]) -> tuple[datetime, tuple[Owed, ...]]:
    try:
        waiting = _waiting(document)
        copies = tuple(map(RequestId, document.get("awaits", ())))
        owed = tuple(
            Owed(
                system_id=SystemId(one["system_id"]),
                is_confirmed=bool(one["is_confirmed"]),
                is_contradicted=bool(one["is_contradicted"]),
                disposition=Disposition(one["disposition"]) if one["disposition"] else None,
                answered_at=_moment(one["answered_at"]),
                retry_at=_moment(one["retry_at"]),
                reason=one["reason"] or "",
                waits_for=waiting.get(one["system_id"]),
                waits_for_copies=copies,
                **_succession(one.get("answers_for", ())),
            )
            for one in document["obligations"]
        )
        return datetime.fromisoformat(document["opened_at"]), owed
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the verifier's obligations cannot be read") from error


def _waiting(document: Mapping[str, Any]) -> dict[str, tuple[SystemId, ...]]:
    """Return the systems that are not told yet, each with those that have to confirm before it is."""
    untold = {one["phase"] for one in document.get("phases", ()) if one["told_at"] is None}
    obligations = document["obligations"] if untold else ()
    return {
        one["system_id"]: tuple(
            SystemId(other["system_id"])
            for other in obligations
            if other["phase"] < one["phase"] and not other["is_confirmed"]
        )
        for one in obligations
        if one["phase"] in untold
    }


def _succession(answers_for: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    times = (datetime.fromisoformat(each["since"]) for each in answers_for)
    return {
        "answers_for": tuple(SystemId(each["system_id"]) for each in answers_for),
        "asked_since": max(times, default=None),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
