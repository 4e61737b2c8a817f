"""Sampling: which erasures are looked at again long after the closing, and when.

The draw is made while the identity can still be sealed. Nobody can tell beforehand which erasures it
falls on, so that every one may be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dsr_core.closing import FOLLOWED
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Right
from dsr_intake.ports import RegistryView
from dsr_wire.codec.closures import Closure

__all__ = ["Draw", "Sampling", "SamplingPolicy"]

Draw = Callable[[], float]
"""Returns a number from 0 up to 1, 1 itself left out; each call another one."""


@dataclass(frozen=True, slots=True)
class SamplingPolicy:
    """How many erasures are looked at again, and when."""

    share: float
    """Of the pairs of a request and a system that looks: from 0, none, to 1, all."""

    earliest: timedelta
    latest: timedelta
    """How long after the closing; the time is drawn between the two."""


class Sampling:
    """Draws which systems are asked to look again, for requests that are about to be closed."""

    def __init__(self, *, policy: SamplingPolicy, draw: Draw, registry: RegistryView) -> None:
        self._policy = policy
        self._draw = draw
        self._registry = registry

    def drawn(self, closures: Iterable[Closure]) -> dict[RequestId, dict[SystemId, datetime]]:
        """Return the systems that are to look again for each request, and when; none in most.

        Whether a system has erased anything is not known here: of those drawn only such count. The
        first closure of a request counts. A second call draws anew.
        """
        registry, policy = self._registry.current, self._policy
        looking = [one.id for one in registry.systems if one.verifies] if registry else []
        found: dict[RequestId, dict[SystemId, datetime]] = {}
        if not looking or not policy.share:
            return found
        seen: set[RequestId] = set()
        for closure in closures:
            if closure.request_id in seen:
                continue
            seen.add(closure.request_id)
            if closure.right is not Right.DELETION or closure.outcome not in FOLLOWED:
                continue
            for system_id in looking:
                if self._draw() < policy.share:
                    span = policy.latest - policy.earliest
                    at = closure.closed_at + policy.earliest + span * self._draw()
                    found.setdefault(closure.request_id, {})[system_id] = at
        return found
