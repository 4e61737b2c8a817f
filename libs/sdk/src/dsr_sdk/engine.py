"""The loop of a running subscriber: poll, process, commit; wait and start over where something is away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from dsr_core import tracing
from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.ids import SystemId
from dsr_sdk.acknowledging import Signable, signed_batches
from dsr_sdk.bus import Bus, Record
from dsr_sdk.deciding import place
from dsr_sdk.obligations import SealedObligation, obligations_of
from dsr_sdk.outcomes import OutcomeStore
from dsr_sdk.processing import Processor
from dsr_wire.dead_letters import bury_record
from dsr_wire.envelope import Outgoing, trace_of
from dsr_wire.keys import SystemKeyPair

__all__ = ["Engine", "signing_to", "utc_now"]

_LOG = logging.getLogger("dsr_sdk")

_POLL_SECONDS = 30.0
_POLL_RECORDS = 500
_SLICE = 2000
"""How many obligations are handled between two commits, notices being kept whole."""

_FORGET_EVERY = timedelta(hours=1)
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0

_REST_SECONDS = 0.05
_CLOSELY_SECONDS = 0.15
_LARGE_BATCH = 200

T = TypeVar("T")


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def signing_to(bus: Bus, keys: SystemKeyPair) -> Callable[[Sequence[Signable]], Awaitable[None]]:
    """Return the function that signs answers and sends them over a bus."""

    async def emit(answers: Sequence[Signable]) -> None:
        if answers:
            await bus.send(list(signed_batches(answers, keys)))

    return emit


class _StopRequested(Exception):  # noqa: N818 - no error
    """The engine stops while it was waiting for something."""


@dataclass(slots=True)
class _Slice:
    """Whole records, and what they oblige to."""

    records: list[Record]
    obligations: list[SealedObligation]
    letters: list[Outgoing]


class Engine:
    """Runs one system's subscription over one bus."""

    def __init__(
        self,
        *,
        bus: Bus,
        processor: Processor,
        outcomes: OutcomeStore,
        topics: Sequence[str],
        system_id: SystemId,
        organisation_id: str,
        ready: Callable[[], Awaitable[None]],
        retention: timedelta,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._bus = bus
        self._processor = processor
        self._outcomes = outcomes
        self._topics = topics
        self._system_id = system_id
        self._organisation_id = organisation_id
        self._ready = ready
        self._retention = retention
        self._clock = clock
        self._stopping = asyncio.Event()
        self._pause = _FIRST_PAUSE
        self._last_batch = float("-inf")
        self._forget_at = clock()

    def request_stop(self) -> None:
        """Let `run` finish what is in hand, send it, commit it, and return."""
        self._stopping.set()

    async def wait_for_stop(self) -> None:
        """Return once a stop is requested."""
        await self._stopping.wait()

    async def run(self) -> None:
        """Work until a stop is requested; what is away is waited for, however long."""
        try:
            while not self._stopping.is_set():
                await self._run_once()
        finally:
            await self._bus.stop()
            await self._outcomes.close()

    async def _run_once(self) -> None:
        try:
            await self._session()
        except _StopRequested:
            return
        except Unavailable as fault:
            _LOG.warning("%s; trying again in %g s", fault, self._pause)
        except Exception as fault:  # noqa: BLE001 - the outermost loop: a fault of ours must lose nothing
            _LOG.error(
                "%s%s; trying again in %g s", type(fault).__name__, place(fault), self._pause
            )
        else:
            return
        await self._bus.stop()
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        try:
            await self._unless_stopped(asyncio.sleep(pause))
        except _StopRequested:
            return

    async def _session(self) -> None:
        await self._outcomes.open()
        group_id = f"dsr.organisation.{self._organisation_id}.{self._system_id}"
        await self._unless_stopped(self._bus.start(self._topics, group_id))
        await self._processor.resume()
        await self._ready()
        while not self._stopping.is_set():
            await self._processor.send_unsent()
            await self._processor.retry_due(_SLICE)
            await self._forget()
            records = await self._poll()
            for one in self._slices(records):
                await self._handle(one)
                self._pause = _FIRST_PAUSE
                if self._stopping.is_set():
                    return
            self._pause = _FIRST_PAUSE
            if records:
                await self._rest(len(records))

    async def _rest(self, count: int) -> None:
        """Rest after a small batch that followed another closely, so that the next one is larger.

        What a batch costs in transactions, signatures and commits hardly depends on its size.
        """
        now = time.monotonic()
        closely = now - self._last_batch < _CLOSELY_SECONDS
        if closely and count < _LARGE_BATCH:
            await asyncio.sleep(_REST_SECONDS)
        self._last_batch = time.monotonic()

    async def _forget(self) -> None:
        """Forget a step of what was confirmed long ago; the next at once while steps are full."""
        now = self._clock()
        if now < self._forget_at:
            return
        if await self._outcomes.forget(now - self._retention, _SLICE) < _SLICE:
            self._forget_at = now + _FORGET_EVERY

    async def _poll(self) -> Sequence[Record]:
        next_at = min(self._processor.next_retry_at or self._forget_at, self._forget_at)
        until_next = (next_at - self._clock()).total_seconds()
        timeout = min(_POLL_SECONDS, max(until_next, 0.0))
        polling = self._bus.poll(timeout=timeout, limit=_POLL_RECORDS)
        return await self._unless_stopped(polling, self._processor.wake) or ()

    async def _handle(self, one: _Slice) -> None:
        with tracing.together(
            "answer notices",
            _parents(one) if tracing.is_on() else (),
            kind=tracing.Kind.CONSUMER,
            system_id=self._system_id,
            organisation_id=self._organisation_id,
        ):
            await self._handle_in_span(one)

    async def _handle_in_span(self, one: _Slice) -> None:
        faults = await self._processor.process(one.obligations)
        buried: set[int] = set()
        for position, fault in faults.items():
            record = one.obligations[position].record
            if record is not None and id(record) not in buried:
                buried.add(id(record))
                one.letters.append(self._letter(record, fault))
        await self._bus.send(one.letters)
        await self._bus.commit(one.records)

    def _slices(self, records: Sequence[Record]) -> Iterator[_Slice]:
        current = _Slice([], [], [])
        for record in records:
            current.records.append(record)
            try:
                current.obligations.extend(
                    obligations_of(
                        record, system_id=self._system_id, organisation_id=self._organisation_id
                    )
                )
            except RejectedInput as fault:
                current.letters.append(self._letter(record, fault))
            if len(current.obligations) >= _SLICE:
                yield current
                current = _Slice([], [], [])
        if current.records:
            yield current

    def _letter(self, record: Record, fault: RejectedInput) -> Outgoing:
        _LOG.error(
            "%s/%d at %d is dead-lettered: %s",
            record.topic,
            record.partition,
            record.offset,
            fault.reason,
        )
        return bury_record(
            record,
            fault=fault,
            refused_by=f"system/{self._system_id}",
            at=self._clock(),
        )

    async def _unless_stopped(
        self, work: Coroutine[Any, Any, T], wake: asyncio.Event | None = None
    ) -> T | None:
        """Await the work; give it up when a stop is requested, or, with none, when woken."""
        working = asyncio.ensure_future(work)
        waiting = [asyncio.ensure_future(self._stopping.wait())]
        if wake is not None:
            waiting.append(asyncio.ensure_future(wake.wait()))
        try:
            await asyncio.wait({working, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (working, *waiting):
                one.cancel()
            await asyncio.wait({working, *waiting})
        if not working.cancelled():
            return working.result()  # also where it ended while being cancelled: nothing is lost
        if self._stopping.is_set():
            raise _StopRequested
        return None


def _parents(one: _Slice) -> list[str | None]:
    """Return the trace of each record that obliges this system; others are not its business."""
    ours = {id(obligation.record): obligation.record for obligation in one.obligations}
    return [None if record is None else trace_of(record.headers) for record in ours.values()]
