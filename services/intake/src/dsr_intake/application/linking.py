"""Linking: takes in what systems found out about a person, and tells those anew who lacked it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_core.identity import Identifier, Identity
from dsr_core.ids import RequestId, SystemId
from dsr_core.lifecycle import ASKED, Event
from dsr_core.linking import Claim, Linking, LinkOutcome, linked, newest
from dsr_core.resolving import Resolution
from dsr_core.rights import RIGHTS
from dsr_intake.application.clock import Clock
from dsr_intake.application.deciding import Deciding
from dsr_intake.application.deciding import Resolution as Decision
from dsr_intake.application.disputing import Dispute, Disputing
from dsr_intake.application.identity_cipher import NONCE_BYTES, Kept, decrypt_kept, encrypt_kept
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.application.reaching import knows
from dsr_intake.application.two_people import require_another
from dsr_intake.metrics import Metrics
from dsr_intake.model import Member, RequestView
from dsr_intake.model.audit import ITSELF
from dsr_intake.model.links import LinkRuling, LinksTaken, LinkStep, TakenAnswer
from dsr_intake.ports import DecisionStore, KeyWrapper, ReadStore, RegistryView
from dsr_intake.ports.links import LinkStore
from dsr_wire.codec.decisions import IdentityExpanded
from dsr_wire.codec.links import LinksFound
from dsr_wire.link_keys import LinkKey
from dsr_wire.suppression import SuppressionKey

__all__ = ["LinkTaking", "LinkTakingParts"]

log = structlog.get_logger(__name__)

_TRIES = 10
_TOLD_ANEW = "systems that knew the person by no identifier at hand can be told of them now"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTakingParts:
    """What it works with."""

    store: LinkStore
    reads: ReadStore
    decisions: DecisionStore
    deciding: Deciding
    wrapper: KeyWrapper
    registry: RegistryView
    lookup: LookupKeys
    suppression_keys: Sequence[SuppressionKey]
    metrics: Metrics
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Person:
    """Whom a request is about, opened for a moment."""

    member: Member
    key: bytes
    kept: Kept
    names: LinkKey


class LinkTaking:
    """Takes in links. The same ones again change nothing."""

    def __init__(self, parts: LinkTakingParts) -> None:
        self._parts = parts
        self._disputing = Disputing(
            store=parts.store, lookup=parts.lookup, suppression_keys=parts.suppression_keys
        )

    async def take(self, found: LinksFound) -> None:
        """Judge an answer's links with all that is known of the request's, and use what may be used.

        What is not used is kept with the reason, and no value. Of a request that has ended nothing is
        opened any more.

        Raises:
            RejectedInput: There is no such request.
            Unavailable: The store, the ring or the registry is away: to be taken again.
        """
        one = await self._parts.reads.any(found.request_id)
        if one is None:
            raise RejectedInput("unknown_request", "the links name a request that is not known")
        if not await self._parts.store.is_taken(found.request_id, found.system_id, found.sequence):
            await self._take(one, found)
        await self._judge_sharers(one)
        await self._tell_anew(one)

    async def rule(
        self, request_id: RequestId, link_id: str, *, accepts: bool, by: str, reason: str
    ) -> bool | None:
        """Decide about a link in conflict; tell whether the decision has taken effect.

        That an identifier is the person's takes two people, where what is done cannot be undone: the
        first one's word changes nothing until another says the same. That it is not takes one.

        None where the request has no such link.

        Raises:
            RuleViolation: Nothing is to be decided about it, or the same person has said so before.
            Unavailable: As in `take`.
        """
        one = await self._parts.reads.any(request_id)
        known = await self._parts.store.steps(request_id)
        mine = {each.system_id: each for each in known if each.link_id == link_id}
        if one is None or not mine:
            return None
        if not any(each.outcome is LinkOutcome.CONFLICT for each in mine.values()):
            raise RuleViolation("link_decided", "nothing is to be decided about this link")
        ruling = LinkRuling(
            request_id=request_id,
            link_id=link_id,
            accepts=accepts,
            ruled_by=by,
            reason=reason,
            ruled_at=self._parts.clock(),
        )
        if accepts and RIGHTS[one.right].erases and not await self._is_second(ruling):
            await self._parts.store.rule(ruling)
            return False

        def ruled(person: _Person) -> Kept:
            named = [
                each.link.identifier
                for each in person.kept.claims
                if person.names.name(each.link.identifier) == link_id
            ]
            others = [pair for pair in person.kept.rulings if pair[0] not in named]
            return replace(
                person.kept, rulings=(*others, *((each, accepts) for each in set(named)))
            )

        if not await self._judge(one, ruled, ruling=ruling):
            raise RuleViolation("request_ended", "the request has ended")
        await self._judge_sharers(one)
        await self._tell_anew(one)
        return True

    async def _is_second(self, ruling: LinkRuling) -> bool:
        """Tell whether another person has said the same last; refuse where the same one has."""
        before = [
            one
            for one in await self._parts.store.rulings(ruling.request_id)
            if one.link_id == ruling.link_id
        ]
        if not before or not before[-1].accepts:
            return False
        require_another(before[-1].ruled_by, ruling.ruled_by)
        return True

    async def _take(self, one: RequestView, found: LinksFound) -> None:
        answer = TakenAnswer(
            request_id=found.request_id,
            system_id=found.system_id,
            sequence=found.sequence,
            outcome="taken",
            recorded_at=self._parts.clock(),
        )

        def claimed(person: _Person) -> Kept:
            links = person.names.open(found.sealed, system_id=found.system_id)
            claims = (Claim(found.system_id, found.sequence, each) for each in links)
            return replace(person.kept, claims=newest((*person.kept.claims, *claims)))

        try:
            is_open = await self._judge(one, claimed, answer=answer)
        except RejectedInput as fault:
            self._parts.metrics.links.labels(fault.reason).inc()
            log.warning(
                "links are refused",
                request_id=found.request_id,
                system_id=found.system_id,
                reason=fault.reason,
            )
            await self._parts.store.refuse(replace(answer, outcome=fault.reason))
            return
        if not is_open:
            self._parts.metrics.links.labels("ended").inc()
            await self._parts.store.refuse(replace(answer, outcome="ended"))

    async def _judge(
        self,
        one: RequestView,
        change: Callable[[_Person], Kept],
        *,
        answer: TakenAnswer | None = None,
        ruling: LinkRuling | None = None,
    ) -> bool:
        """Judge what is known of a request after a change; false where it has ended."""
        for _ in range(_TRIES):
            person = await self._person(one.request_id)
            if person is None:
                return False
            kept = change(person)
            dispute = await self._disputing.look(one, kept)
            judged = await self._judged(one, kept, dispute)
            kept = replace(kept, linked=judged.added)
            after = encrypt_kept(
                kept, request_id=one.request_id, key=person.key, nonce=os.urandom(NONCE_BYTES)
            )
            named = dispute.named(judged.claimed)
            taken = LinksTaken(
                request_id=one.request_id,
                before=person.member.ciphertext,
                after=after,
                own=dispute.own,
                named=named,
                shared=dispute.shared(named),
                steps=self._steps(one, judged, person.names),
                answer=answer,
                ruling=ruling,
            )
            if await self._parts.store.take(taken):
                for each in taken.steps:
                    self._parts.metrics.links.labels(each.reason.value).inc()
                _warn_of_taken_back(one.request_id, person.kept.linked, judged.added)
                return True
        raise Unavailable("the identity changes faster than it can be judged")

    async def _judge_sharers(self, one: RequestView) -> None:
        """Judge the other persons anew for whom systems found the same: whoever came first, neither has it.

        It is done again when the same links come again, so that a crash forgets nobody. Judging one
        changes nothing of what it is known by to others, so it ends here.
        """
        person = await self._person(one.request_id)
        if person is None:
            return
        dispute = await self._disputing.look(one, person.kept)
        for request_id in sorted({each for _, each in dispute.sharing}):
            other = await self._parts.reads.any(request_id)
            if other is not None and await self._judge(other, lambda them: them.kept):
                await self._tell_anew(other)

    async def _person(self, request_id: RequestId) -> _Person | None:
        one = await self._parts.reads.any(request_id)
        member = await self._parts.store.member(request_id)
        if one is None or one.state not in ASKED or member is None or member.key is None:
            return None
        [key] = await self._parts.wrapper.unwrap([(request_id, member.key)])
        kept = decrypt_kept(member.ciphertext, request_id=request_id, key=key)
        return _Person(member, key, kept, LinkKey(request_id, key))

    async def _judged(self, one: RequestView, kept: Kept, dispute: Dispute) -> Linking:
        """Judge by the newest version of the registry: what it no longer states is not believed."""
        return linked(
            kept.given,
            kept.claims,
            right=one.right,
            stated=await self._stated(one),
            against=dispute.against,
            rulings=dict(kept.rulings),
        )

    async def _stated(self, one: RequestView) -> Mapping[SystemId, Sequence[Resolution]]:
        current = self._parts.registry.current
        registry = current or await self._parts.registry.version(one.registry_digest)
        return {system.id: system.resolves for system in registry.systems if system.resolves}

    def _steps(self, one: RequestView, judged: Linking, names: LinkKey) -> tuple[LinkStep, ...]:
        current, at = self._parts.registry.current, self._parts.clock()
        return tuple(
            LinkStep(
                request_id=one.request_id,
                link_id=names.name(each.claim.link.identifier),
                system_id=each.claim.system_id,
                sequence=each.claim.sequence,
                through=each.claim.link.through,
                kind=each.claim.link.identifier.kind,
                confidence=each.claim.link.confidence.value,
                proof=each.claim.link.proof.value,
                round=each.round,
                outcome=each.outcome,
                reason=each.reason,
                registry_digest=current.digest if current else one.registry_digest,
                recorded_at=at,
            )
            for each in judged.judged
        )

    async def _tell_anew(self, one: RequestView) -> None:
        """Have those told anew who were told without an identifier that they know, once each.

        Once more after an identifier was taken back: it is not known whether they had it by then.
        """
        lacking = await self._parts.store.told_without(one.request_id)
        if not lacking:
            return
        since = _taken_back_at(await self._parts.store.steps(one.request_id))
        entries = await self._parts.decisions.entries(one.request_id)
        before = {
            system_id
            for entry in entries
            if entry.kind == Event.EXPAND_IDENTITY and (not since or entry.recorded_at > since)
            for system_id in entry.details["system_ids"]
        }
        person = await self._person(one.request_id)
        if person is None:
            return
        known = [
            system_id
            for system_id in lacking
            if system_id not in before and await self._knows(one, system_id, person.kept.told)
        ]
        if not known:
            return
        decision = Decision(
            event=Event.EXPAND_IDENTITY,
            by=ITSELF.id,
            reason=_TOLD_ANEW,
            decision=IdentityExpanded(tuple(known)),
            details={"system_ids": known},
        )
        try:
            await self._parts.deciding.decide(one.request_id, decision)
        except RuleViolation as fault:
            log.info("nobody is told anew", request_id=one.request_id, reason=fault.reason)

    async def _knows(self, one: RequestView, system_id: SystemId, identity: Identity) -> bool:
        registry = await self._parts.registry.version(one.registry_digest)
        system = registry.system(system_id)
        if system is None and self._parts.registry.current is not None:
            system = self._parts.registry.current.system(system_id)
        return system is not None and knows(system, identity)


def _taken_back_at(steps: Sequence[LinkStep]) -> datetime | None:
    """Return when a link that was used was last used no more, or none."""
    return max(
        (one.recorded_at for one in steps if one.was_used and one.outcome is not LinkOutcome.USED),
        default=None,
    )


def _warn_of_taken_back(
    request_id: RequestId, before: Sequence[Identifier], now: Sequence[Identifier]
) -> None:
    """Say that identifiers are used no more: what systems were told by then cannot be taken back."""
    if lost := sorted({one.kind for one in before if one not in now}):
        log.warning("found identifiers are taken back", request_id=request_id, kinds=lost)
