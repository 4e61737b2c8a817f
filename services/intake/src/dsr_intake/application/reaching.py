"""Reaching: who can be told of a person by nothing that they know, as long as no more is found out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from dsr_core.errors import Unavailable
from dsr_core.identity import Identity
from dsr_core.ids import RequestId, SystemId
from dsr_core.registry import Registry, System
from dsr_intake.application.clock import Clock
from dsr_intake.metrics import Metrics
from dsr_intake.model.links import LinksTold
from dsr_intake.ports.links import LinkLedger, LinkStore

__all__ = ["Lacking", "Reaching", "can_be_found", "knows"]

log = structlog.get_logger(__name__)

Lacking = Sequence[tuple[RequestId, SystemId]]
"""Systems that know the person of a request by none of the identifiers at hand."""

_PATIENCE = timedelta(minutes=10)
"""How long links that are on their way are waited for before systems are told without them."""


def knows(system: System, identity: Identity) -> bool:
    """Tell whether a system knows people by any of the identifiers."""
    return not frozenset(system.identifiers).isdisjoint(identity.kinds)


def can_be_found(registry: Registry) -> frozenset[str]:
    """Return the kinds of identifier that some system can find out."""
    return frozenset(pair.to_kind for one in registry.systems for pair in one.resolves)


class Reaching:
    """Keeps who was told of a request without knowing the person, so that they are told anew."""

    def __init__(
        self, *, store: LinkStore, ledger: LinkLedger, metrics: Metrics, clock: Clock
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock

    async def begin(self, lacking: Lacking) -> None:
        """Put on record who is about to be told without; returns once links on their way have arrived.

        What was found out may still be on its way from the verifier. It is waited for, since it may be
        what these systems need; but not for ever: after ten minutes, or where the verifier does not
        answer, they are told without it, and anew once it comes. So what is on record here, and not
        the waiting, is what nobody is forgotten by.

        Raises:
            Unavailable: Links are on their way, or the store is away.
        """
        at = self._clock()
        ids = sorted({request_id for request_id, _ in lacking})
        told = await self._told(ids)
        taken = await self._store.taken_counts(ids) if told else {}
        behind = [one for one, each in told.items() if each.told > taken.get(one, 0)]
        if any(at - told[one].last_told_at < _PATIENCE for one in behind):
            raise Unavailable("identifiers that systems found out are still on their way")
        if behind:
            self._metrics.links_missed.inc(len(behind))
            log.warning("systems are told without links that did not come", count=len(behind))
        await self._store.note_told_without(lacking, at=at)

    async def _told(self, ids: Sequence[RequestId]) -> dict[RequestId, LinksTold]:
        try:
            return await self._ledger.links_told(ids)
        except Unavailable as error:
            log.warning("it is not known whether links are on their way", error=str(error))
            return {}
