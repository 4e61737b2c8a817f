"""Following up: on the date of a deferred notice its system is asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from dsr_core.law.rules import Rules
from dsr_core.plan import Scope, plan
from dsr_core.registry import Registry
from dsr_intake.application.beginning import held_systems
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.forming import accepted_record, alone
from dsr_intake.deferral import Due, FollowUp, Instead
from dsr_intake.metrics import Metrics
from dsr_intake.model import FollowsWhy
from dsr_intake.ports import DeferralStore, RegistryView

__all__ = ["FollowingUp"]

log = structlog.get_logger(__name__)

_AT_ONCE = 50
"""Requests that one transaction opens at most."""


class FollowingUp:
    """Opens the requests that follow from deferred notices; several processes may do so at once."""

    def __init__(
        self,
        *,
        store: DeferralStore,
        registry: RegistryView,
        dating: Dating,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._store = store
        self._registry = registry
        self._dating = dating
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed

    async def open_due(self) -> int:
        """Open what is due, each once, and return how many.

        A notice whose system cannot be asked any more is kept, and tried again a day later; where it
        was only to look again, it is deleted.

        Raises:
            Unavailable: The store is away; what was not opened is still due.
        """
        registry, rules = self._registry.current, self._registry.current_rules
        if registry is None or rules is None:
            return 0
        opened = 0
        while True:
            found, made = await self._store.open_due(
                lambda due: self._follow_up(due, registry, rules), at=self._clock(), limit=_AT_ONCE
            )
            if made:
                self._metrics.deferred.labels("opened").inc(made)
                self._on_committed()
            opened += made
            if found < _AT_ONCE:
                return opened

    def _follow_up(self, due: Due, registry: Registry, rules: Rules) -> FollowUp | Instead:
        deferred, followed = due.deferred, due.followed
        scope = _scope(due, registry)
        if scope is None and deferred.why is FollowsWhy.VERIFICATION:
            self._metrics.deferred.labels("dropped").inc()
            log.warning(
                "a system that was to look again is asked no more",
                request_id=deferred.request_id,
                system_id=deferred.system_id,
            )
            return Instead.NEVER
        if scope is None:
            self._metrics.deferred.labels("postponed").inc()
            log.error(
                "a system that is to be asked again is in no plan",
                request_id=deferred.request_id,
                system_id=deferred.system_id,
            )
            return Instead.LATER
        dates = self._dating.following(rules, followed, at=deferred.review_at)
        follow_up = replace(
            followed,
            request_id=deferred.follow_up_id,
            regime=dates.regime,
            scope=scope,
            registry_digest=registry.digest,
            rules_digest=dates.rules_digest,
            received_at=deferred.review_at,
            accepted_at=self._clock(),
            held_before=followed.closed_at if deferred.why is FollowsWhy.VERIFICATION else None,
        )
        cohort = alone(follow_up, dates.tiers, dates.due_at)
        return FollowUp(
            cohort,
            dates.regime_why,
            accepted_record(cohort),
            lambda hold: held_systems(hold, registry),
        )


def _scope(due: Due, registry: Registry) -> Scope | None:
    """Return what the system is asked for: what it keeps, else what was asked; none if it is in no plan.

    A system may name what it keeps by categories under which the registry does not have it. One that
    is only to look again is asked by the version of now; where that says that it does not, by none.
    """
    deferred, right, asked = due.deferred, due.followed.right, due.followed.scope.categories
    since = due.followed.scope.since
    system_ids, at = (deferred.system_id,), deferred.review_at
    wanted: tuple[tuple[str, ...], ...] = (deferred.categories, asked)
    if deferred.why is FollowsWhy.VERIFICATION:
        system = registry.system(deferred.system_id)
        wanted = (asked,) if system is not None and system.verifies else ()
    scopes = (Scope(categories, (), system_ids, since) for categories in wanted)
    return next((scope for scope in scopes if plan(registry, right, scope, received_at=at)), None)
