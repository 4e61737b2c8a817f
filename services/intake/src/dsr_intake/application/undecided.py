"""Undecided appeals: as the date of one comes near, the privacy office is told, and a breach recorded.

Fanout hears of an appeal when it is granted, so its timer is here: the tiers of its regime, on the way
from the appeal to the date by which it is to be decided.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from dsr_core.ids import CohortId
from dsr_core.law.rules import Tier
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.forming import SOURCE, dated
from dsr_intake.application.paging import each_of
from dsr_intake.metrics import Metrics
from dsr_intake.model import RequestView
from dsr_intake.model.tiers import PassedTier
from dsr_intake.ports import RegistryView, UndecidedStore
from dsr_wire.codec.escalations import Escalation, escalation_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import ESCALATIONS

__all__ = ["Undecided"]

log = structlog.get_logger(__name__)

_AT_ONCE = 100

_EVENTS = uuid.UUID("1f9b6a5e-2a0c-5d0f-9d56-7f1b3b7c4e21")
"""The namespace of the ids of what is told here: the same tier has the same id for ever."""


class Undecided:
    """Passes the tiers of appeals that wait; several processes may do so at once."""

    def __init__(
        self,
        *,
        store: UndecidedStore,
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

    async def work(self) -> None:
        """Pass every tier that has come, each once; what fails is found again.

        Raises:
            Unavailable: The store is away, or the rules that an appeal pins.
        """
        async for one, passed in each_of(self._store.undecided, at_once=_AT_ONCE):
            await self._pass(one, passed)

    async def _pass(self, one: RequestView, passed: Sequence[PassedTier]) -> None:
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        now = self._clock()
        moments = dict(
            zip(regime.tiers, dated(regime.tiers, one.received_at, one.due_at), strict=True)
        )
        due = [
            tier
            for tier, moment in moments.items()
            if moment.at <= now and not any(_is(each, tier, moment.at) for each in passed)
        ]
        if not due:
            return
        told = await self._store.passed(
            one.request_id,
            due,
            lambda tier: _escalation(one, tier, moments[tier].at, now),
            at=now,
        )
        for tier in told:
            self._metrics.appeal_tiers.labels(tier.action).inc()
            log.warning("an appeal is not decided", request_id=one.request_id, action=tier.action)
        if told:
            self._on_committed()


def _is(passed: PassedTier, tier: Tier, moment: datetime) -> bool:
    """Tell whether what was passed is a tier that comes at a moment."""
    if passed.action is not tier.action:
        return False
    return passed.percent == tier.percent or (not passed.percent and moment <= passed.passed_at)


def _escalation(one: RequestView, tier: Tier, tier_at: datetime, at: datetime) -> Outgoing:
    cohort_id = CohortId(one.request_id)
    escalation = Escalation(
        cohort_id=cohort_id,
        right=one.right,
        regime=one.regime,
        due_at=one.due_at,
        action=tier.action,
        escalated_at=at,
        missing=(),
        awaits_decision=True,
        tier_at=tier_at,
    )
    return encode(
        escalation_to_wire(escalation),
        topic=ESCALATIONS.name,
        key=cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, f"{one.request_id}/{tier.action}/{tier.percent}")),
        source=SOURCE,
        at=at,
    )
