"""Holding: legal holds suspend erasure, of one request or of everything of a person, until lifted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_core.identity import Identity
from dsr_core.ids import RequestId, SystemId, uuid7
from dsr_core.lifecycle import PREMATURE, Event, State, advance
from dsr_core.registry import Registry
from dsr_intake.application.beginning import held_systems
from dsr_intake.application.clock import Clock
from dsr_intake.application.deciding import Deciding, Resolution
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.application.watching import HoldWatch
from dsr_intake.metrics import Metrics
from dsr_intake.model import Held, KeyReused, KeyTag, LegalHold
from dsr_intake.ports import HoldStore, ReadStore, RegistryView
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced

__all__ = ["Holding"]

log = structlog.get_logger(__name__)

_AT_ONCE = 100
"""Requests that one look takes; a round of work looks until it has gone past all."""

_LATE = timedelta(minutes=5)
"""So long after a hold a replica may still accept a request without having heard of it."""

_OVER = (State.STOPPING, State.CLOSED, State.ANSWERED)


class Holding:
    """Places and lifts holds.

    What one of them asks for of many requests is done one by one, and taken up by `work` after a crash.
    """

    def __init__(
        self,
        *,
        deciding: Deciding,
        reads: ReadStore,
        store: HoldStore,
        watch: HoldWatch,
        registry: RegistryView,
        metrics: Metrics,
        lookup: LookupKeys,
        clock: Clock,
    ) -> None:
        self._deciding = deciding
        self._reads = reads
        self._store = store
        self._watch = watch
        self._registry = registry
        self._metrics = metrics
        self._lookup = lookup
        self._clock = clock

    async def place(
        self,
        *,
        by: str,
        authority: str,
        reason: str,
        about: RequestId | Identity,
        system_ids: Sequence[str],
        categories: Sequence[str],
        effective_at: datetime | None,
        tag: KeyTag | None = None,
    ) -> LegalHold | KeyReused:
        """Keep a hold, and put on hold what it is about; what comes later begins on hold.

        With the idempotency key of a hold that is kept nothing happens: it is given as it stands, or
        said that the key was used for another. Requests that cannot be held yet, since their proof is awaited, are held when they open; until
        then nobody is asked to erase either.

        Raises:
            RejectedInput: It lies in the future, or covers no system of the registry, or there is no
                such request.
            RuleViolation: The request has ended, or stops.
            Unavailable: No registry is published, or a version that a request pins has not arrived.
        """
        known = await self._store.under(tag) if tag else None
        if known is not None:
            return known
        now = self._clock()
        if effective_at is not None and effective_at > now:
            detail = "a hold takes effect now, or has already"
            raise RejectedInput("invalid_decision", detail, field="effective_at")
        hold = LegalHold(
            hold_id=uuid7(int(now.timestamp() * 1000), os.urandom(10)),
            request_id=None if isinstance(about, Identity) else about,
            authority=authority,
            reason=reason,
            placed_by=by,
            system_ids=tuple(sorted({SystemId(one) for one in system_ids})),
            categories=tuple(sorted(set(categories))),
            effective_at=effective_at or now,
            recorded_at=now,
        )
        self._check_scope(hold)
        hashes: tuple[bytes, ...] = ()
        if isinstance(about, Identity):
            hashes = (*self._lookup.identifiers(about), *self._lookup.former_identifiers(about))
        else:
            await self._check_request(about)
        versions = _Versions(self._registry)

        async def scope(hold: LegalHold, digest: str) -> tuple[SystemId, ...] | None:
            return await _scope(hold, digest, versions)

        is_new = await self._store.add(hold, hashes, scope, tag)
        await self._go_on()
        other = await self._store.under(tag) if tag and not is_new else None
        return other or hold

    def tag(self, key: str, content: bytes, *, by: str) -> KeyTag:
        """Return an idempotency key of a hold and what it was sent with, as keyed hashes."""
        return self._lookup.tag(f"decisions/{by}", key, b"hold\x00" + content)

    async def lift(self, hold_id: str, *, by: str, reason: str) -> LegalHold | None:
        """End a hold, and let erasure go on where no other covers it; none where there is none.

        Raises:
            RuleViolation: It has ended already.
        """
        found = await self._store.get(hold_id)
        if found is None:
            return None
        if not await self._store.lift(hold_id, by=by, reason=reason, at=self._clock()):
            detail = "the hold was lifted before"
            raise RuleViolation("hold_lifted", detail)
        await self._go_on()
        return await self._store.get(hold_id)

    async def get(self, hold_id: str) -> LegalHold | None:
        """Return a hold, or none."""
        return await self._store.get(hold_id)

    async def all(self) -> list[tuple[LegalHold, int]]:
        """Return every hold with how many requests it holds now, the newest first."""
        return await self._store.all()

    async def _go_on(self) -> None:
        try:
            await self.work()
        except Unavailable as error:
            log.warning("what a hold asks for is done later", error=str(error))

    async def work(self) -> None:
        """Do what holds that were placed or lifted still ask for; safe to repeat, and beside others.

        What cannot be done is counted and left to the next round; what comes after it is done in this.

        Raises:
            Unavailable: The store is away.
        """
        await self._watch.refresh()
        versions = _Versions(self._registry)

        async def at_least(hold: LegalHold, digest: str) -> tuple[SystemId, ...] | None:
            try:
                return await _scope(hold, digest, versions)
            except Unavailable:
                return ()  # all of it, until its version is here and it is narrowed or placed

        await self._store.cover_late(since=self._clock() - _LATE, scope=at_least)
        after: tuple[str, RequestId] | None = None
        while found := await self._store.waiting(after=after, limit=_AT_ONCE):
            for one in found:
                await self._one(one, versions)
            after = (found[-1].hold.hold_id, found[-1].request_id)

    async def _one(self, one: Held, versions: _Versions) -> None:
        try:
            await self._carried_out(one, versions)
        except Unavailable as fault:
            self._refused(one, "unavailable", error=str(fault))
        except RuleViolation as fault:
            # Somebody else was first, or the request has ended; what is left to do is asked again.
            log.info("a hold moves nothing", request_id=one.request_id, reason=fault.reason)
            found = await self._reads.any(one.request_id)
            if found is None or found.state in _OVER:
                await self._store.release(one, at=self._clock())
        except RejectedInput as fault:
            self._refused(one, fault.reason, error=None)

    def _refused(self, one: Held, reason: str, *, error: str | None) -> None:
        # It is tried again in the next round, and holds up no other.
        self._metrics.holds_refused.labels(reason).inc()
        log.warning(
            "a hold is refused",
            request_id=one.request_id,
            hold_id=one.hold.hold_id,
            reason=reason,
            error=error,
        )

    async def _carried_out(self, one: Held, versions: _Versions) -> None:
        if one.hold.lifted_at is None:
            await self._placed(one, versions)
            return
        if one.held_at is None:
            await self._store.drop(one, at=self._clock())
            found = await self._reads.any(one.request_id)
            if found is None or found.state in PREMATURE:
                return
            # A notice may have left its systems out: placing and lifting it has them told.
            await self._placed(one, versions)
        await self._lifted(one)

    async def _placed(self, one: Held, versions: _Versions) -> None:
        hold = one.hold
        found = await self._reads.any(one.request_id)
        if found is None:
            return
        systems = await _scope(hold, found.registry_digest, versions)
        if systems is None:
            await self._store.release(one, at=self._clock())
            return
        if found.state in PREMATURE:
            await self._store.narrow(one, systems)
            return
        # The clock of whoever placed it may be ahead of this one.
        effective_at = min(hold.effective_at, self._clock())
        resolution = Resolution(
            event=Event.PLACE_HOLD,
            by=hold.placed_by,
            reason=hold.reason,
            decision=HoldPlaced(hold.hold_id, systems),
            effective_at=effective_at if effective_at > found.received_at else None,
            details={"hold_id": hold.hold_id, "system_ids": list(systems)},
        )
        await self._deciding.decide(one.request_id, resolution)

    async def _lifted(self, one: Held) -> None:
        hold = one.hold
        resolution = Resolution(
            event=Event.LIFT_HOLD,
            by=hold.lifted_by or "",
            reason=hold.lift_reason or "",
            decision=HoldLifted(hold.hold_id),
            details={"hold_id": hold.hold_id},
        )
        await self._deciding.decide(one.request_id, resolution)

    def _check_scope(self, hold: LegalHold) -> None:
        registry = self._registry.current
        if registry is None:
            raise Unavailable("no registry is published yet; run `dsr registry publish`")
        for one in hold.system_ids:
            if registry.system(one) is None:
                detail = "a system is not in the registry"
                raise RejectedInput("unknown_system", detail, field="system_ids")
        if held_systems(hold, registry) is None:
            detail = "no system of the registry has data of these categories"
            raise RejectedInput("unknown_category", detail, field="categories")

    async def _check_request(self, request_id: RequestId) -> None:
        found = await self._reads.any(request_id)
        if found is None:
            detail = "there is no request of that id"
            raise RejectedInput("unknown_request", detail, field="request_id")
        if found.state in _OVER:
            advance(found.state, Event.PLACE_HOLD)


class _Versions:
    """The registry's versions as one round finds them: one that has not arrived is awaited once."""

    def __init__(self, registry: RegistryView) -> None:
        self._registry = registry
        self._missing: dict[str, Unavailable] = {}

    @property
    def current(self) -> Registry | None:
        return self._registry.current

    async def version(self, digest: str) -> Registry:
        if digest in self._missing:
            raise self._missing[digest]
        try:
            return await self._registry.version(digest)
        except Unavailable as fault:
            self._missing[digest] = fault
            raise


async def _scope(
    hold: LegalHold, registry_digest: str, versions: _Versions
) -> tuple[SystemId, ...] | None:
    """Return what a hold covers, by the version that a request pins and by the newest.

    A system that joined since is owed by the request as well.
    """
    pinned = held_systems(hold, await versions.version(registry_digest))
    current = versions.current
    newest = held_systems(hold, current) if current is not None else None
    if pinned is None or newest is None:
        return pinned if newest is None else newest
    return tuple(sorted({*pinned, *newest}))
