"""Decisions on single requests: the services that take them, made of the same parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.deciding import Deciding
from dsr_intake.application.extending import Extending
from dsr_intake.application.holding import Holding
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.application.settling import Settling
from dsr_intake.application.stopping import Stopping
from dsr_intake.application.watching import HoldWatch
from dsr_intake.metrics import Metrics
from dsr_intake.ports import (
    ClosingStore,
    DecisionStore,
    HoldStore,
    ProposalStore,
    ReadStore,
    RegistryView,
)

__all__ = ["Decisions", "DecisionsParts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsParts:
    """What the services that take decisions work with."""

    reads: ReadStore
    store: DecisionStore
    closing: ClosingStore
    holds: HoldStore
    proposals: ProposalStore
    registry: RegistryView
    dating: Dating
    metrics: Metrics
    lookup: LookupKeys
    clock: Clock
    on_committed: Callable[[], object]


class Decisions:
    """Everything that people can decide about single requests."""

    def __init__(self, parts: DecisionsParts) -> None:
        self.watch = HoldWatch(parts.holds)
        self.deciding = deciding = Deciding(
            reads=parts.reads,
            store=parts.store,
            registry=parts.registry,
            dating=parts.dating,
            metrics=parts.metrics,
            clock=parts.clock,
            on_committed=parts.on_committed,
        )
        self.stopping = Stopping(
            deciding=deciding,
            reads=parts.reads,
            decisions=parts.store,
            closing=parts.closing,
            metrics=parts.metrics,
            clock=parts.clock,
            on_committed=parts.on_committed,
        )
        self.extending = Extending(
            deciding=deciding, reads=parts.reads, decisions=parts.store, clock=parts.clock
        )
        self.settling = Settling(
            deciding=deciding,
            reads=parts.reads,
            proposals=parts.proposals,
            registry=parts.registry,
            clock=parts.clock,
        )
        self.holding = Holding(
            deciding=deciding,
            reads=parts.reads,
            store=parts.holds,
            watch=self.watch,
            registry=parts.registry,
            metrics=parts.metrics,
            lookup=parts.lookup,
            clock=parts.clock,
        )
