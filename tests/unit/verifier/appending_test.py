"""The loop of the sequencer: a long queue is worked off without being counted at each step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from prometheus_client import CollectorRegistry

from dsr_runtime.metrics import Instruments
from dsr_verifier.application.sequencing import Sequenced, Sequencer
from dsr_verifier.log_ports import Backlog, LogReader
from dsr_verifier.worker.log import Appending
from dsr_verifier.worker.metrics import LogMetrics


@dataclass
class Steps:
    """A sequencer with so many full batches before it, and a reader that counts how often it is asked."""

    full: int
    appending: Appending | None = None
    asked: list[int] = field(default_factory=list)

    async def step(self) -> Sequenced:
        self.full -= 1
        if self.full < 0 and self.appending is not None:
            self.appending.stop()
        return Sequenced(leaves=500 * (self.full >= 0), is_full=self.full >= 0)

    async def newest(self) -> None:
        return None

    async def backlog(self) -> Backlog:
        self.asked.append(self.full)
        return Backlog(0, 0.0)


async def test_a_long_queue_is_counted_now_and_then_and_once_it_is_short() -> None:
    steps, metrics = Steps(50), LogMetrics(Instruments(CollectorRegistry()))
    appending = Appending(cast("Sequencer", steps), cast("LogReader", steps), metrics)
    steps.appending = appending
    await appending.run()
    assert steps.asked == [49, -1]
