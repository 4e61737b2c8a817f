"""Every metric of the service, named and explained here and nowhere else."""

from __future__ import annotations

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from dsr_verifier.application.tally import Tally
from dsr_verifier.model import Effect

__all__ = ["Metrics"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_SIZES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


class Metrics:
    """The service's metrics, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.answers = Counter(
            "dsr_verifier_answers",
            "Acknowledgements taken in, by what became of them: recorded, repeated (known already), "
            "late (after the closure), contradicts_closure (after it, and against it: data that was "
            "said to be gone is still there), parked (before the obligations)",
            ["result"],
            registry=self.registry,
        )
        self.opened = Counter(
            "dsr_verifier_requests_opened",
            "Subject requests whose obligations were opened",
            registry=self.registry,
        )
        self.closures = Counter(
            "dsr_verifier_closures",
            "Subject requests closed, by right and outcome",
            ["right", "outcome"],
            registry=self.registry,
        )
        self.amendments = Counter(
            "dsr_verifier_amendments",
            "Amendments of what is owed, by kind and by what became of them: applied, after_closure "
            "(closing came first), unfit (kept, and changes nothing), waiting (for the obligations)",
            ["kind", "effect"],
            registry=self.registry,
        )
        self.breaches = Counter(
            "dsr_verifier_hold_breaches",
            "Erasures under a legal hold, by system; each is shown with its request",
            ["system_id"],
            registry=self.registry,
        )
        self.contradictions = Counter(
            "dsr_verifier_contradictions",
            "Answers that speak against an earlier answer of the same system",
            registry=self.registry,
        )
        self.stuck = Counter(
            "dsr_verifier_counter_faults",
            "Requests whose counter said that nothing is open and whose obligations said otherwise; "
            "any is a fault of this service",
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "dsr_verifier_dead_letters",
            "Records that were refused, by topic and reason",
            ["topic", "reason"],
            registry=self.registry,
        )
        self.bad_registry_records = Counter(
            "dsr_verifier_bad_registry_records",
            "Records of the registry topic that could not be read, by reason",
            ["reason"],
            registry=self.registry,
        )
        self.retries = Counter(
            "dsr_verifier_retries",
            "Micro-batches tried again because a part was away, by topic",
            ["topic"],
            registry=self.registry,
        )
        self.batch_records = Histogram(
            "dsr_verifier_batch_records",
            "Kafka records in a micro-batch, by topic",
            ["topic"],
            buckets=_SIZES,
            registry=self.registry,
        )
        self.batch_seconds = Histogram(
            "dsr_verifier_batch_seconds",
            "From taking a micro-batch to its commit, by topic",
            ["topic"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.parked_full = Counter(
            "dsr_verifier_parked_full",
            "Acknowledgements refused because their system has as many waiting for obligations as it "
            "may; any are true answers that must be replayed, or a system that makes up requests",
            registry=self.registry,
        )
        self.outbox_records = Gauge(
            "dsr_verifier_outbox_records",
            "Records that wait in the outbox to be published; every replica says the same",
            registry=self.registry,
        )
        self.outbox_age = Gauge(
            "dsr_verifier_outbox_age_seconds",
            "How long the oldest of them has waited; zero where none does",
            registry=self.registry,
        )
        self.parked = Gauge(
            "dsr_verifier_parked_answers",
            "Acknowledgements that wait for their obligations",
            registry=self.registry,
        )

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
        for refusal in (*tally.refusals, *tally.buried):
            received, fault = refusal.received, refusal.fault
            self.dead_letters.labels(received.topic, fault.reason).inc()
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
