"""What verifier counts; `dsr_core.metrics` says what each is."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry

from dsr_core.metrics import OTHER
from dsr_core.metrics import verifier as named
from dsr_core.registry import System
from dsr_runtime.group_gauges import GroupGauges
from dsr_runtime.metrics import Instruments
from dsr_runtime.postgres import PoolGauges
from dsr_verifier.application.reading import said_system
from dsr_verifier.application.tally import Tally
from dsr_verifier.model import Effect
from dsr_verifier.ports import Received, Refusal
from dsr_wire.topics import ACKNOWLEDGEMENTS

__all__ = ["Metrics"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Metrics:
    """The service's metrics, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.made = made = Instruments(self.registry)
        self.newest: Callable[[str], System | None] = lambda _: None
        """Tells who owns a system; nobody is known until the registry is there."""

        self.answers = made.counters(named.ANSWERS)
        self.system_answers = made.counters(named.SYSTEM_ANSWERS)
        self.missing = made.gauges(named.MISSING)
        self.missing_age = made.gauges(named.MISSING_AGE)
        self.missing_due = made.gauges(named.MISSING_DUE)
        self.confirm_seconds = made.histograms(named.CONFIRM_SECONDS)
        self.system_answers_refused = made.counters(named.SYSTEM_ANSWERS_REFUSED)
        self.opened = made.counter(named.OPENED)
        self.closures = made.counters(named.CLOSURES)
        self.amendments = made.counters(named.AMENDMENTS)
        self.breaches = made.counters(named.BREACHES)
        self.contradictions = made.counter(named.CONTRADICTIONS)
        self.stuck = made.counter(named.STUCK)
        self.dead_letters = made.counters(named.DEAD_LETTERS)
        self.signatures_refused = made.counters(named.SIGNATURES_REFUSED)
        self.bad_registry_records = made.counters(named.BAD_REGISTRY_RECORDS)
        self.retries = made.counters(named.RETRIES)
        self.batch_records = made.histograms(named.BATCH_RECORDS)
        self.batch_seconds = made.histograms(named.BATCH_SECONDS)
        self.parked_full = made.counter(named.PARKED_FULL)
        self.outbox_records = made.gauge(named.OUTBOX_RECORDS)
        self.outbox_age = made.gauge(named.OUTBOX_AGE)
        self.consumer_lag = made.gauges(named.CONSUMER_LAG)
        self.groups = GroupGauges(made, named.GROUP_PARTITIONS, named.GROUP_REBALANCES)
        self.pool = PoolGauges(made, named.POOL_CONNECTIONS, named.POOL_WAITING)
        self.measured_at = made.gauge(named.MEASURED_AT)
        self.parked = made.gauge(named.PARKED)

    def count(self, tally: Tally) -> None:
        """Count what a step did, and log what an operator must know of."""
        for result in ("recorded", "repeated", "late", "parked"):
            if number := getattr(tally, result):
                self.answers.labels(result).inc(number)
        for request_id, system_id in tally.against_closure:
            self.answers.labels("contradicts_closure").inc()
            log.warning(
                "an answer contradicts a closure", request_id=request_id, system_id=system_id
            )
        self.parked_full.inc(tally.parked_full)
        self.opened.inc(tally.opened)
        self._count_amendments(tally)
        self.contradictions.inc(tally.contradictions)
        for closure in tally.closures:
            self.closures.labels(closure.right.value, closure.outcome.value).inc()
        for request_id in tally.stuck:
            self.stuck.inc()
            log.error("the counter says closed, the obligations do not", request_id=request_id)
        for (system_id, disposition), number in tally.given.items():
            owner = self.owner(system_id)
            self.system_answers.labels(owner, system_id, disposition).inc(number)
        for system_id, seconds in tally.confirmed:
            self.confirm_seconds.labels(self.owner(system_id)).observe(seconds)
        for refusal in (*tally.refusals, *tally.buried):
            self._count_refusal(refusal)

    def owner(self, system_id: str) -> str:
        """Return the organisation that owns a system, as the newest registry says."""
        system = self.newest(system_id)
        return OTHER if system is None else system.organisation_id

    def _said_owner(self, received: Received) -> str:
        system_id = said_system(received)
        return OTHER if system_id is None else self.owner(system_id)

    def _count_refusal(self, refusal: Refusal) -> None:
        received, fault = refusal.received, refusal.fault
        self.dead_letters.labels(received.topic, fault.reason).inc()
        if received.topic == ACKNOWLEDGEMENTS.name:
            self.system_answers_refused.labels(self._said_owner(received), fault.reason).inc()
            if fault.reason in named.UNBELIEVED:
                self.signatures_refused.labels(fault.reason).inc()
        log.warning(
            "a record is dead-lettered",
            topic=received.topic,
            partition=received.partition,
            offset=received.offset,
            reason=fault.reason,
        )

    def _count_amendments(self, tally: Tally) -> None:
        for kind in tally.waiting:
            self.amendments.labels(kind, "waiting").inc()
        for (request_id, revision, kind), effect in tally.amended.items():
            self.amendments.labels(kind, effect.value).inc()
            if effect is Effect.UNFIT:
                log.warning(
                    "an amendment cannot be applied",
                    request_id=request_id,
                    revision=revision,
                    kind=kind,
                )
        for one in tally.breaches:
            self.breaches.labels(one.system_id).inc()
            log.warning(
                "a system has erased under a legal hold",
                request_id=one.request_id,
                system_id=one.system_id,
                hold_id=one.hold_id,
            )
