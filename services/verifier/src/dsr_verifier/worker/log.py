"""The loops that keep the log: what waits is appended, what is new is noted, witnesses are asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog

from dsr_core.errors import RejectedInput, Unavailable
from dsr_runtime.backoff import Backoff
from dsr_verifier.application.forks import Fork
from dsr_verifier.application.sequencing import Sequencer, StatementMissing
from dsr_verifier.application.witnessing import Witnessing
from dsr_verifier.log_ports import Fact, Log, LogReader, WitnessRefusal
from dsr_verifier.worker.metrics import LogMetrics
from dsr_wire.log.leaves import Kind

__all__ = ["Appending", "Cosigning", "Noting"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_EVERY_S = 1.0
_REST_S = 0.5
"""Between two batches that were not full: what comes meanwhile shares a signature and a commit."""

_MEASURED_S = 2.0
"""How often what waits is counted."""

_MEASURED_FULL_S = 10.0
"""As `_MEASURED_S`, while batches are full: to count a long queue takes its time."""

_REFUSED_S = 60.0
"""How long a witness that refuses is left alone."""


class Appending:
    """Runs the sequencer: when woken, and each second."""

    def __init__(self, sequencer: Sequencer, reader: LogReader, metrics: LogMetrics) -> None:
        self._sequencer = sequencer
        self._reader = reader
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._fault: str | None = None
        self._measured_at = -_MEASURED_FULL_S
        self._was_full = False

    def wake(self) -> None:
        """Say that something waits."""
        self._wake.set()

    def stop(self) -> None:
        """Ask `run` to end after the step in hand."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Append until `stop`."""
        while not self._stopping.is_set():
            self._wake.clear()
            is_full = await self._step()
            if is_full:
                continue
            await _wait(self._stopping, _REST_S)
            await _wait(self._wake, _EVERY_S)

    async def ping(self) -> None:
        """Return when the log can be appended to.

        Raises:
            RuntimeError: It cannot: nothing is lost, and nothing becomes evidence.
        """
        if self._fault is not None:
            raise RuntimeError(self._fault)

    async def _step(self) -> bool:
        try:
            done = await self._sequencer.step()
            every_s = _MEASURED_FULL_S if done.is_full else _MEASURED_S
            is_worked_off = self._was_full and not done.is_full
            self._was_full = done.is_full
            if is_worked_off or time.monotonic() >= self._measured_at + every_s:
                await self._measure()
        except Unavailable as error:
            log.warning("the log waits", error=str(error))
            return False
        except Fork as fork:
            self._metrics.forked(fork.difference)
            return self._stands_still(str(fork))
        except (StatementMissing, RejectedInput) as fault:
            return self._stands_still(str(fault))
        self._fault = None
        self._metrics.forked(None)
        self._metrics.appended.inc(done.leaves)
        return done.is_full

    def _stands_still(self, fault: str) -> bool:
        if self._fault != fault:
            log.error("nothing is appended to the log", reason=fault)
        self._fault = fault
        return False

    async def _measure(self) -> None:
        self._measured_at = time.monotonic()
        newest, backlog = await self._reader.newest(), await self._reader.backlog()
        self._metrics.size.set(newest.checkpoint.size if newest else 0)
        self._metrics.pending.set(backlog.facts)
        self._metrics.pending_age.set(backlog.age_s)


class Noting:
    """Lets facts wait for the log that were read where nothing can wait.

    A fact that a crash loses before it is written comes again: the topic is read whole at each start.
    """

    def __init__(self, log_store: Log) -> None:
        self._log = log_store
        self._waiting: dict[tuple[Kind, bytes], Fact] = {}
        self._written: set[tuple[Kind, bytes]] = set()
        self._filled = asyncio.Event()
        self._stopping = asyncio.Event()

    def note(self, fact: Fact) -> None:
        """Take in a fact; one that was written is not written again."""
        key = (fact.kind, fact.digest)
        if key not in self._written:
            self._waiting.setdefault(key, fact)
            self._filled.set()

    def stop(self) -> None:
        """Ask `run` to end; what is not written comes again."""
        self._stopping.set()
        self._filled.set()

    async def run(self) -> None:
        """Write what is noted until `stop`."""
        backoff = Backoff()
        while not self._stopping.is_set():
            await self._filled.wait()
            self._filled.clear()
            facts = list(self._waiting.values())
            if not facts:
                continue
            try:
                await self._log.offer(facts)
            except Unavailable as error:
                log.warning("what was registered waits for the log", error=str(error))
                self._filled.set()
                await backoff.wait(self._stopping)
                continue
            backoff = Backoff()
            for one in facts:
                self._written.add((one.kind, one.digest))
                del self._waiting[one.kind, one.digest]


class Cosigning:
    """Asks every witness, each on its own: one that is away holds up no other, nor the log."""

    def __init__(self, witnesses: Sequence[tuple[str, Witnessing]], metrics: LogMetrics) -> None:
        """Take witnesses by their names."""
        self._witnesses = witnesses
        self._metrics = metrics
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def run(self) -> None:
        """Ask until `stop`."""
        async with asyncio.TaskGroup() as asking:
            for name, witnessing in self._witnesses:
                asking.create_task(self._ask(name, witnessing))

    async def _ask(self, name: str, witnessing: Witnessing) -> None:
        backoff = Backoff(first=1.0, longest=_REFUSED_S)
        while not self._stopping.is_set():
            try:
                is_new = await witnessing.step()
            except Unavailable as error:
                self._metrics.cosignatures.labels(name, "unavailable").inc()
                log.warning("a witness is away", witness=name, error=str(error))
                await backoff.wait(self._stopping)
            except WitnessRefusal as refusal:
                self._metrics.cosignatures.labels(name, "refused").inc()
                log.warning("a witness does not cosign", witness=name, reason=str(refusal))
                await _wait(self._stopping, _REFUSED_S)
            else:
                backoff = Backoff(first=1.0, longest=_REFUSED_S)
                if is_new:
                    self._metrics.cosignatures.labels(name, "cosigned").inc()
                await _wait(self._stopping, _EVERY_S)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
