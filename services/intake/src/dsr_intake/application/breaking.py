"""The breaker: more erasures than are usual stop before any system is told, until two people agree."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import median
from typing import NamedTuple

import structlog

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.ids import uuid7
from dsr_intake.application.clock import Clock
from dsr_intake.application.two_people import require_another
from dsr_intake.metrics import Metrics
from dsr_intake.model.breaker import EVERYWHERE, BreakerLimits, BreakerRelease, BreakerScope
from dsr_intake.ports.breaker import BreakerStore

__all__ = ["Breaker", "BreakerPolicy", "learnt"]

LEARNS_FROM = timedelta(days=28)
"""How far back it is looked for what is usual; counts are kept as long."""

_LISTED = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """How many erasures may pass within a window, and within a day."""

    floor: int
    """So many pass in any case, where nothing else is set."""

    day_floor: int
    """So many pass in any case within a day."""

    factor: float
    """So many times what is usual may pass."""

    window: timedelta = timedelta(hours=1)
    limits: Mapping[str, int] = field(default_factory=dict)
    """What is set for the whole group (`*`) or an organisation; it stands in place of the others."""

    day_limits: Mapping[str, int] = field(default_factory=dict)
    """As `limits`, of a day."""

    def limit(self, scope: str, usual: float) -> int:
        """Return how many erasures of a scope may pass within the window."""
        return self.limits.get(scope, max(self.floor, int(self.factor * usual)))

    def day_limit(self, scope: str, usual: Usual) -> int:
        """Return how many erasures of a scope may pass within a day: at least what may in the window."""
        at_least = max(self.day_floor, self.limit(scope, usual.hour))
        return self.day_limits.get(scope, max(at_least, int(self.factor * usual.day)))


class Usual(NamedTuple):
    """What is usual for a scope."""

    hour: float = 0
    """In the busiest hour of a day."""

    day: float = 0


def learnt(busiest: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Return what is usual for each scope: the median of its days.

    The median, so that a few unusual days make nothing usual.
    """
    return {scope: median(days) for scope, days in busiest.items() if days}


class Breaker:
    """Lets erasures pass, or stops them.

    Every replica asks the same store, so that together they let no more pass than one would.
    """

    def __init__(
        self, store: BreakerStore, *, policy: BreakerPolicy, metrics: Metrics, clock: Clock
    ) -> None:
        self._store = store
        self._policy = policy
        self._metrics = metrics
        self._clock = clock
        self._usual: Mapping[str, Usual] = {}

    async def learn(self) -> None:
        """Learn what is usual from the days before today, and forget what is older.

        Today does not count: who sends more every hour would raise the limit every hour.
        """
        now = self._clock()
        since, today = now - LEARNS_FROM, now.replace(hour=0, minute=0, second=0, microsecond=0)
        hours = learnt(await self._store.busiest_hours(since, today))
        days = learnt(await self._store.whole_days(since, today))
        self._usual = {
            scope: Usual(hours.get(scope, 0), days.get(scope, 0)) for scope in hours | days
        }
        await self._store.forget(counts_before=since)
        await self.scopes()

    async def pass_(self, cohort_id: str, members: int, organisation_ids: Collection[str]) -> None:
        """Return when a cohort's erasures may go to these organisations. Safe to repeat.

        Raises:
            RuleViolation: They are stopped, for the group or for one of the organisations.
        """
        limits = {scope: self._limits(scope) for scope in (EVERYWHERE, *sorted(organisation_ids))}
        stopped = await self._store.pass_(
            cohort_id, members, limits, at=self._clock(), window=self._policy.window
        )
        if not stopped:
            return
        self._metrics.breaker_refused.inc()
        where = "the whole group" if EVERYWHERE in stopped else ", ".join(sorted(stopped))
        detail = f"the breaker has stopped erasures for {where}; `dsr breaker` says why"
        raise RuleViolation("breaker_tripped", detail)

    def _limits(self, scope: str) -> BreakerLimits:
        usual = self._usual.get(scope, Usual())
        return BreakerLimits(
            self._policy.limit(scope, usual.hour), self._policy.day_limit(scope, usual)
        )

    async def scopes(self) -> list[BreakerScope]:
        """Return where the breaker stands, for the group and for each organisation."""
        found = [
            replace(one, limits=self._limits(one.scope))
            for one in await self._store.scopes(at=self._clock(), window=self._policy.window)
        ]
        for one in found:
            self._metrics.breaker_tripped.labels(one.scope).set(one.tripped_at is not None)
            if one.scope == EVERYWHERE:
                self._metrics.breaker_waiting.set(one.waiting)
        return found

    async def releases(self) -> Sequence[BreakerRelease]:
        """Return what was proposed, the newest first."""
        return await self._store.releases(_LISTED)

    async def propose(
        self, scope: str, *, by: str, reason: str, extra: int | None = None
    ) -> BreakerRelease:
        """Keep the proposal that erasures of a scope go on; it changes nothing yet.

        Args:
            scope: The whole group (`*`), or an organisation.
            by: Who proposes it.
            reason: Why what was unusual is right.
            extra: How many may pass on top of the limits within a window, and a day, from the
                approval on; what waits now unless given.

        Raises:
            RejectedInput: There is no such scope.
            RuleViolation: It is not stopped.
        """
        found = next((one for one in await self.scopes() if one.scope == scope), None)
        if found is None:
            detail = "neither * nor an organisation of which anything was to be erased"
            raise RejectedInput("unknown_scope", detail, field="scope")
        if found.tripped_at is None:
            raise RuleViolation("not_tripped", f"erasures are not stopped for {scope}")
        now = self._clock()
        release = BreakerRelease(
            release_id=uuid7(int(now.timestamp() * 1000), os.urandom(10)),
            scope=scope,
            tripped_at=found.tripped_at,
            extra=found.waiting if extra is None else extra,
            reason=reason,
            proposed_by=by,
            proposed_at=now,
        )
        await self._store.propose(release)
        return release

    async def approve(self, release_id: str, *, by: str) -> BreakerRelease | None:
        """Let erasures go on; none where nothing of that id was proposed.

        Who lets them go on for the whole group does so for each organisation. What waits is tried
        again by itself, within minutes.

        Raises:
            RuleViolation: Who approves has proposed it, or it was approved before.
        """
        proposal = await self._store.release(release_id)
        if proposal is None:
            return None
        require_another(proposal.proposed_by, by)
        released = await self._store.approve(release_id, by=by, at=self._clock())
        log.warning("erasures go on", organisation_id=released.scope, count=released.extra)
        await self.scopes()
        return released
