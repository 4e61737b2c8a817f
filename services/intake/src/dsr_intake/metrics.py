"""What intake counts; `dsr_core.metrics` says what each is. No label ever holds a personal value."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from dsr_core.closing import Outcome
from dsr_core.metrics import intake as named
from dsr_intake.model import Answer
from dsr_runtime.group_gauges import GroupGauges
from dsr_runtime.metrics import Instruments
from dsr_runtime.postgres import PoolGauges

__all__ = ["Metrics"]


class Metrics:
    """The numbers that intake keeps of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        made = Instruments(registry)
        self.accepted = made.counters(named.ACCEPTED)
        self.refused = made.counters(named.REFUSED)
        self.replayed = made.counters(named.REPLAYED)
        self.accept_seconds = made.histogram(named.ACCEPT_SECONDS)
        self.accept_size = made.histogram(named.ACCEPT_SIZE)
        self.cohort_size = made.histogram(named.COHORT_SIZE)
        self.open = made.gauges(named.OPEN)
        self.open_age = made.gauges(named.OPEN_AGE)
        self.open_due = made.gauges(named.OPEN_DUE)
        self.answered = made.counters(named.ANSWERED)
        self.answer_seconds = made.histograms(named.ANSWER_SECONDS)
        self.closure_seconds = made.histograms(named.CLOSURE_SECONDS)
        self.identities = made.counters(named.IDENTITIES)
        self.decisions = made.counters(named.DECISIONS)
        self.holds_refused = made.counters(named.HOLDS_REFUSED)
        self.authorities = made.counter(named.AUTHORITIES)
        self.letters = made.counters(named.LETTERS)
        self.letters_waiting = made.gauges(named.LETTERS_WAITING)
        self.letters_age = made.gauges(named.LETTERS_AGE)
        self.letters_given_up = made.gauges(named.LETTERS_GIVEN_UP)
        self.receipts_untold = made.gauges(named.RECEIPTS_UNTOLD)
        self.escalations = made.counters(named.ESCALATIONS)
        self.appeal_tiers = made.counters(named.APPEAL_TIERS)
        self.deferred = made.counters(named.DEFERRED)
        self.links = made.counters(named.LINKS)
        self.links_missed = made.counter(named.LINKS_MISSED)
        self.dead_letters = made.counters(named.DEAD_LETTERS)
        self.bad_registry_records = made.counters(named.BAD_REGISTRY_RECORDS)
        self.outbox_records = made.gauge(named.OUTBOX_RECORDS)
        self.outbox_age = made.gauge(named.OUTBOX_AGE)
        self.consumer_lag = made.gauges(named.CONSUMER_LAG)
        self.measured_at = made.gauge(named.MEASURED_AT)
        self.sealed = made.counter(named.SEALED)
        self.keys_missing = made.counter(named.KEYS_MISSING)
        self.keys_unknown = made.gauge(named.KEYS_UNKNOWN)
        self.listeners = made.gauge(named.LISTENERS)
        self.breaker_refused = made.counter(named.BREAKER_REFUSED)
        self.breaker_tripped = made.gauges(named.BREAKER_TRIPPED)
        self.breaker_waiting = made.gauge(named.BREAKER_WAITING)
        self.webhooks = made.counters(named.WEBHOOKS)
        self._show_packages(made)
        self._show_libraries(made)

    def _show_packages(self, made: Instruments) -> None:
        self.packages = made.counters(named.PACKAGES)
        self.packages_waiting = made.gauge(named.PACKAGES_WAITING)
        self.packages_set_aside = made.gauge(named.PACKAGES_SET_ASIDE)
        self.packages_age = made.gauge(named.PACKAGES_AGE)
        self.package_bytes = made.counter(named.PACKAGE_BYTES)
        self.exports_refused = made.counters(named.EXPORTS_REFUSED)
        self.protected_here = made.counters(named.PROTECTED_HERE)
        self.downloads = made.counters(named.DOWNLOADS)
        self.hand_overs = made.counters(named.HAND_OVERS)

    def _show_libraries(self, made: Instruments) -> None:
        """Show what the clients of PostgreSQL and Kafka say of themselves."""
        self.pool = PoolGauges(made, named.POOL_CONNECTIONS, named.POOL_WAITING)
        self.groups = GroupGauges(made, named.GROUP_PARTITIONS, named.GROUP_REBALANCES)

    def expect_ends(self, right: str, regime: str) -> None:
        """Count from nought what may come too late of these; a counter that is not there cannot grow."""
        for outcome in Outcome:
            self.answered.labels(right, regime, outcome, "broken")

    def count_ends(self, ends: Iterable[Answer]) -> None:
        """Count what was closed and what was answered, each with its promise."""
        for one in ends:
            promise = one.promise
            if promise is None:
                continue
            right, regime = promise.right, promise.regime
            if not one.was_closed:
                taken = one.closed_at - promise.accepted_at
                closure = self.closure_seconds.labels(right, regime)
                closure.observe(max(taken.total_seconds(), 0.0))
            if one.answered_at is not None:
                is_kept = promise.due_at is None or one.answered_at <= promise.due_at
                kept = "kept" if is_kept else "broken"
                self.answered.labels(right, regime, one.outcome, kept).inc()
                taken = one.answered_at - promise.received_at
                self.answer_seconds.labels(right, regime).observe(max(taken.total_seconds(), 0.0))
