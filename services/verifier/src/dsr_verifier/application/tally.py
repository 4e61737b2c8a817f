"""What a step did, counted, so that the caller can tell metrics and logs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_verifier.model import Breach, Effect, Key
from dsr_verifier.ports import Pair, Refusal, Settlement
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.phases import ConfirmedPhase

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Counts of one step, and what it refused."""

    recorded: int = 0
    repeated: int = 0
    late: int = 0
    """Recorded after the request was closed: they change nothing."""

    against_closure: list[Pair] = field(default_factory=list)
    """The obligation of each answer that came after the closing and contradicts it."""

    given: Counter[tuple[SystemId, Disposition]] = field(default_factory=Counter)
    """Who has put what on record, in effect or late."""

    confirmed: list[tuple[SystemId, float]] = field(default_factory=list)
    """Who has confirmed an obligation, and how many seconds after it was opened."""

    parked: int = 0
    parked_full: int = 0
    """Refused because their system has as many parked as it may."""

    opened: int = 0
    reopened: int = 0
    """Requests that were opened again by a repeated message, without effect."""

    amended: dict[Key, Effect] = field(default_factory=dict)
    """What became of amendments."""

    waiting: list[str] = field(default_factory=list)
    """The kind of each amendment that came before its obligations."""

    breaches: list[Breach] = field(default_factory=list)
    contradictions: int = 0
    links: int = 0
    """Answers whose links intake is told of."""

    closures: list[Closure] = field(default_factory=list)
    phases: list[ConfirmedPhase] = field(default_factory=list)
    """Those that all members of a cohort have confirmed."""

    stuck: list[RequestId] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    """To be dead-lettered by whoever called."""

    buried: list[Refusal] = field(default_factory=list)
    """Dead-lettered already, by the transaction that refused them."""

    def settle(self, settlement: Settlement) -> None:
        """Count what one transaction has changed."""
        self.contradictions += settlement.contradictions
        self.closures.extend(settlement.closures)
        self.stuck.extend(settlement.stuck)

    def add(self, other: Tally) -> None:
        """Add another step's counts."""
        self.recorded += other.recorded
        self.repeated += other.repeated
        self.late += other.late
        self.against_closure.extend(other.against_closure)
        self.given.update(other.given)
        self.confirmed.extend(other.confirmed)
        self.parked += other.parked
        self.parked_full += other.parked_full
        self.opened += other.opened
        self.reopened += other.reopened
        self.amended.update(other.amended)
        self.waiting.extend(other.waiting)
        self.breaches.extend(other.breaches)
        self.contradictions += other.contradictions
        self.links += other.links
        self.closures.extend(other.closures)
        self.phases.extend(other.phases)
        self.stuck.extend(other.stuck)
        self.refusals.extend(other.refusals)
        self.buried.extend(other.buried)
