"""Deferring: while the key of a request exists, its identity is sealed for what comes later.

A system that keeps data on a legal ground says when that is to be reviewed; of those that erased some
are to look again (ADR 23). By then the identity can no longer be read, so what a system will need is
made at the closing (ADR 13).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog

from dsr_core.closing import Outcome
from dsr_core.errors import Unavailable
from dsr_core.identity import Identity
from dsr_core.ids import RequestId, SystemId, uuid7
from dsr_core.rights import Disposition
from dsr_intake.application.identity_cipher import decrypt_kept
from dsr_intake.application.sampling import Sampling
from dsr_intake.deferral import Deferred, Sealable
from dsr_intake.metrics import Metrics
from dsr_intake.model import FollowsWhy
from dsr_intake.ports import DeferralStore, KeyWrapper, Ledger, RegistryView
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.notices import SealedIdentity
from dsr_wire.sealing import Sealer

__all__ = ["PLACES", "Deferring"]

log = structlog.get_logger(__name__)

PLACES = 10
"""So many requests in a row can follow from one sealing: each is a place that it opens in."""

_READS_AT_ONCE = 8

_GONE = {Disposition.ERASED.value, Disposition.ABSENT.value}


@dataclass(frozen=True, slots=True)
class _Later:
    """What one system is to be asked later: to review what it keeps, or to look again."""

    system_id: SystemId
    categories: tuple[str, ...]
    grounds: tuple[str, ...]
    review_at: datetime
    why: FollowsWhy


class Deferring:
    """Makes the deferred notices of requests that are about to be closed."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: DeferralStore,
        wrapper: KeyWrapper,
        registry: RegistryView,
        sampling: Sampling,
        metrics: Metrics,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._wrapper = wrapper
        self._registry = registry
        self._sampling = sampling
        self._metrics = metrics

    async def deferred(self, closures: Iterable[Closure]) -> list[Deferred]:
        """Return what is to be kept with the closures: one notice a request and system.

        The verifier is asked about partly fulfilled requests, and those that the sample falls on.
        What is returned is kept by nobody yet; a second call makes other notices.

        Raises:
            Unavailable: The verifier is away, or something that sealing needs: nothing may be closed.
        """
        closures = tuple(closures)
        outcomes: dict[RequestId, Outcome] = {}
        for closure in closures:
            outcomes.setdefault(closure.request_id, closure.outcome)
        sample = self._sampling.drawn(closures)
        partly = {one for one, how in outcomes.items() if how is Outcome.PARTLY_FULFILLED}
        if not partly and not sample:
            return []
        sealable = await self._store.sealable(sorted(partly | sample.keys()))
        # What was opened from a notice itself is sealed for no other system, and not asked twice.
        found = [one for one in sealable if one.request_id in partly or one.deferred is None]
        few = asyncio.Semaphore(_READS_AT_ONCE)

        async def kept(one: Sealable) -> tuple[_Later, ...]:
            async with few:
                document = await self._ledger.obligations(one.request_id)
            drawn = {} if one.deferred is not None else sample.get(one.request_id, {})
            return (*_kept(document), *_erased(document, drawn))

        kept_by = await asyncio.gather(*(kept(one) for one in found))
        made: list[Deferred] = []
        for one, many in zip(found, kept_by, strict=True):
            if many:
                made.extend(await self._made(one, many))
        return made

    async def _made(self, one: Sealable, kept: Sequence[_Later]) -> list[Deferred]:
        if one.deferred is not None:
            return self._renewed(one.request_id, one.deferred, kept)
        if one.key is None:
            self._metrics.keys_missing.inc()
            log.error("nothing can be deferred without a key", request_id=one.request_id)
            return []
        [key] = await self._wrapper.unwrap([(one.request_id, one.key)])
        identity = decrypt_kept(one.ciphertext, request_id=one.request_id, key=key).told
        self._metrics.deferred.labels("sealed").inc(len(kept))
        return [await self._sealed(one, identity, each) for each in kept]

    def _renewed(
        self, request_id: RequestId, opened_from: Deferred, kept: Sequence[_Later]
    ) -> list[Deferred]:
        """Return what is left of the notice that a request was opened from, for the next review."""
        again = next((each for each in kept if each.system_id == opened_from.system_id), None)
        if again is None:
            return []
        if len(opened_from.places) == 1:
            self._metrics.deferred.labels("exhausted").inc()
            log.error(
                "the last request has followed that could be sealed for",
                request_id=request_id,
                system_id=again.system_id,
            )
            return []
        self._metrics.deferred.labels("renewed").inc()
        return [
            replace(
                opened_from,
                request_id=request_id,
                places=opened_from.places[1:],
                categories=again.categories,
                grounds=again.grounds,
                review_at=again.review_at,
                why=again.why,
            )
        ]

    async def _sealed(self, one: Sealable, identity: Identity, kept: _Later) -> Deferred:
        system = (await self._registry.version(one.registry_digest)).system(kept.system_id)
        holder = self._registry.holder(kept.system_id) if system is None else None
        system = holder.system(kept.system_id) if holder else system  # it joined later
        if system is None:
            raise Unavailable(f"{kept.system_id} is in no registry version that is known here")
        key = (await self._registry.keys(system.id)).sealing
        sealer = Sealer(system_id=system.id, right=one.right, key=key)
        theirs = identity.only(system.identifiers)
        ids = [_next_id(kept.review_at) for _ in range(PLACES)]
        return Deferred(
            request_id=one.request_id,
            system_id=system.id,
            key_id=key.id,
            sealed_key=sealer.sealed_key,
            places=tuple(
                SealedIdentity(each, sealer.seal(theirs, request_id=each)) for each in ids
            ),
            categories=kept.categories,
            grounds=kept.grounds,
            review_at=kept.review_at,
            why=kept.why,
        )


def _next_id(review_at: datetime) -> RequestId:
    # Of the moment in which it will be opened, so that it is listed among those of its time.
    return RequestId(uuid7(int(review_at.timestamp() * 1000), os.urandom(10)))


def _kept(document: Mapping[str, Any] | None) -> tuple[_Later, ...]:
    if document is None:
        raise Unavailable("the verifier does not show what it has closed")
    try:
        return tuple(
            _of_system(SystemId(one["system_id"]), one["exemptions"])
            for one in document["obligations"]
            if one["exemptions"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the verifier's obligations cannot be read") from error


def _erased(
    document: Mapping[str, Any] | None, drawn: Mapping[SystemId, datetime]
) -> Iterator[_Later]:
    """Yield who is to look again: of the systems drawn, those that say themselves that they erased."""
    try:
        for one in (document or {})["obligations"] if drawn else ():
            at = drawn.get(SystemId(one["system_id"]))
            if at is not None and one["disposition"] in _GONE and not one["settled_by"]:
                yield _Later(SystemId(one["system_id"]), (), (), at, FollowsWhy.VERIFICATION)
    except (KeyError, TypeError) as error:
        raise Unavailable("the verifier's obligations cannot be read") from error


def _of_system(system_id: SystemId, exemptions: Sequence[Mapping[str, Any]]) -> _Later:
    categories: set[str] = set()
    for one in exemptions:
        categories.update(one["categories"])
    is_all = any(not one["categories"] for one in exemptions)
    return _Later(
        system_id,
        () if is_all else tuple(sorted(categories)),
        tuple(sorted({one["ground"] for one in exemptions})),
        min(_moment(one["review_at"]) for one in exemptions),
        FollowsWhy.EXEMPTION_REVIEW,
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
