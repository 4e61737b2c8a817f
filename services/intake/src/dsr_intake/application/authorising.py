"""Authorising: what follows when it is shown that somebody may ask for another person."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from dsr_core.lifecycle import Event, State, advance
from dsr_intake.application.clock import Clock
from dsr_intake.application.forming import SOURCE
from dsr_intake.metrics import Metrics
from dsr_intake.model import AuthorityShown, RequestView
from dsr_intake.ports import IdentityStore, ReadStore
from dsr_wire.codec.lifecycle import StateChange, states_changed_to_wire
from dsr_wire.envelope import encode
from dsr_wire.topics import LIFECYCLE

__all__ = ["Authorising"]

_EVENTS = uuid.UUID("b7f5f0c3-7f43-5b1e-8e0b-0b3f6f1f2a77")
"""The namespace of the ids of what is told here: the same decision has the same id for ever."""


class Authorising:
    """Moves requests that await the authority of who asks."""

    def __init__(
        self,
        *,
        reads: ReadStore,
        proofs: IdentityStore,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._reads = reads
        self._proofs = proofs
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed

    async def prove(self, request_id: str, *, reason: str) -> RequestView | None:
        """Take it as shown that the requester may ask; none where there is no such request.

        It then awaits the proof of who asks, by the same date. The decision, its reason and what is
        told of it are durable together.

        Raises:
            RuleViolation: The request does not await an authority; the detail says what it is.
        """
        one = await self._reads.any(request_id)
        if one is None:
            return None
        now = self._clock()
        change = StateChange(one.request_id, State.AWAITING_IDENTITY, "", now)
        told = encode(
            states_changed_to_wire(one.cohort_id, [change]),
            topic=LIFECYCLE.name,
            key=one.cohort_id,
            event_id=str(uuid.uuid5(_EVENTS, f"{one.request_id}/authority")),
            source=SOURCE,
            at=now,
        )
        await self._proofs.authorise(
            AuthorityShown(one.request_id, reason, now, (told,)),
            decide=lambda state: advance(state, Event.PROVE_AUTHORITY),
        )
        self._metrics.authorities.inc()
        self._on_committed()
        return await self._reads.any(request_id)
