"""What is counted of the transparency log; `dsr_core.metrics` says what each is."""

from __future__ import annotations

from dsr_core.metrics import verifier as named
from dsr_runtime.metrics import Instruments
from dsr_verifier.application.forks import Difference

__all__ = ["LogMetrics"]


class LogMetrics:
    """What the log is, what waits for it, and who has cosigned."""

    def __init__(self, made: Instruments) -> None:
        self.size = made.gauge(named.LOG_LEAVES)
        self.appended = made.counter(named.LOG_APPENDED)
        self.pending = made.gauge(named.LOG_PENDING)
        self.pending_age = made.gauge(named.LOG_PENDING_AGE)
        self.forks = made.gauges(named.LOG_FORKED)
        self.cosignatures = made.counters(named.COSIGNATURES)
        self.bad_checkpoints = made.counters(named.BAD_CHECKPOINTS)
        self.forked(None)

    def forked(self, difference: Difference | None) -> None:
        """Say how the database differs from what was published, or that it does not."""
        for one in Difference:
            self.forks.labels(one.value).set(int(one is difference))
