"""The metrics of the transparency log, named and explained here and nowhere else."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from dsr_verifier.application.forks import Difference

__all__ = ["LogMetrics"]


class LogMetrics:
    """What the log is, what waits for it, and who has cosigned."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.size = Gauge(
            "dsr_verifier_log_leaves",
            "Leaves of the transparency log; every replica says the same",
            registry=registry,
        )
        self.appended = Counter(
            "dsr_verifier_log_appended",
            "Leaves that this process has appended",
            registry=registry,
        )
        self.pending = Gauge(
            "dsr_verifier_log_pending",
            "Facts that wait to become leaves; every replica says the same",
            registry=registry,
        )
        self.pending_age = Gauge(
            "dsr_verifier_log_pending_age_seconds",
            "How long ago the oldest of them happened; zero where none waits",
            registry=registry,
        )
        self.forks = Gauge(
            "dsr_verifier_log_forked",
            "One while nothing is appended, since the database is not what was published: shorter "
            "(put back to an earlier time) or contradicting (other leaves)",
            ["difference"],
            registry=registry,
        )
        self.cosignatures = Counter(
            "dsr_verifier_log_cosignatures",
            "Answers of witnesses, by witness and result: cosigned, unavailable, refused",
            ["witness", "result"],
            registry=registry,
        )
        self.bad_checkpoints = Counter(
            "dsr_verifier_bad_checkpoints",
            "Records of the checkpoints topic that could not be read, by reason",
            ["reason"],
            registry=registry,
        )
        self.forked(None)

    def forked(self, difference: Difference | None) -> None:
        """Say how the database differs from what was published, or that it does not."""
        for one in Difference:
            self.forks.labels(one.value).set(int(one is difference))
