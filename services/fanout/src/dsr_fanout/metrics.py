"""What fanout counts; `dsr_core.metrics` says what each is. No label holds an id of a request."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from dsr_core.metrics import fanout as named
from dsr_runtime.group_gauges import GroupGauges
from dsr_runtime.metrics import Instruments

__all__ = ["Metrics"]


class Metrics:
    """What fanout counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        made = Instruments(registry)
        self.starts = made.counters(named.COHORTS)
        self.hints = made.counters(named.HINTS)
        self.phases = made.counters(named.PHASES)
        self.commands = made.counters(named.COMMANDS)
        self.tiers = made.counters(named.TIERS)
        self.dead_letters = made.counters(named.DEAD_LETTERS)
        self.passed_over = made.counter(named.PASSED_OVER)
        self.bad_registry_records = made.counters(named.BAD_REGISTRY_RECORDS)
        self.consumer_lag = made.gauges(named.CONSUMER_LAG)
        self.groups = GroupGauges(made, named.GROUP_PARTITIONS, named.GROUP_REBALANCES)
        self.obligations = made.counter(named.OBLIGATIONS)
        self.amendments = made.counters(named.AMENDMENTS)
        self.notices = made.counters(named.NOTICES)
        self.failures = made.counters(named.FAILURES)
        self.calls = made.histograms(named.CALLS)
