"""The service's metrics: each name once, with its meaning. No label holds an id."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

__all__ = ["Metrics"]


class Metrics:
    """What fanout counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.starts = Counter(
            "dsr_fanout_cohorts",
            "Accepted cohorts read from Kafka, by what became of them: running, finished, answered.",
            ["outcome"],
            registry=registry,
        )
        self.hints = Counter(
            "dsr_fanout_hints",
            "CohortAnswered read from Kafka: delivered to a workflow, or finished where none runs.",
            ["outcome"],
            registry=registry,
        )
        self.commands = Counter(
            "dsr_fanout_commands",
            "Commands read from Kafka: delivered to a workflow, or ended where the cohort has.",
            ["outcome"],
            registry=registry,
        )
        self.tiers = Counter(
            "dsr_fanout_tiers",
            "Tiers that cohorts reached while members were open, by action; a retried try counts again.",
            ["action"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "dsr_fanout_dead_letters",
            "Records refused for ever, by topic and reason.",
            ["topic", "reason"],
            registry=registry,
        )
        self.passed_over = Counter(
            "dsr_fanout_passed_over",
            "Records of dsr.lifecycle.v1 that say they are RequestStatesChanged: for observers, and "
            "not decoded here, so rubbish of that type counts as well.",
            registry=registry,
        )
        self.bad_registry_records = Counter(
            "dsr_fanout_bad_registry_records",
            "Records of the registry topic that could not be read, by reason.",
            ["reason"],
            registry=registry,
        )
        self.obligations = Counter(
            "dsr_fanout_obligations_opened",
            "Obligations put on record; a retried try counts again.",
            registry=registry,
        )
        self.amendments = Counter(
            "dsr_fanout_amendments",
            "Amendments published, by the kind of the decision; a retried try counts again.",
            ["kind"],
            registry=registry,
        )
        self.notices = Counter(
            "dsr_fanout_notices",
            "Notices published: first, reminder, joined (to a system that joined the plan), stop, suspend, "
            "or perform after a hold; a retried try counts again.",
            ["kind"],
            registry=registry,
        )
        self.failures = Counter(
            "dsr_fanout_activity_failures",
            "Tries of a workflow's step that failed and will be made again, by step and reason.",
            ["activity", "reason"],
            registry=registry,
        )
        self.calls = Histogram(
            "dsr_fanout_call_seconds",
            "Calls to other services, by the service and the answer's status (0 for none).",
            ["part", "status"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
