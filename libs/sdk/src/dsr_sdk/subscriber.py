"""The subscriber: what a system's team registers its handlers with, and runs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from dsr_core.errors import Unavailable
from dsr_core.ids import OrganisationId, RequestId, SystemId, is_slug
from dsr_core.rights import RIGHTS, Right
from dsr_sdk.access.exporting import Exporter
from dsr_sdk.access.items import ExportLimits, File, Row
from dsr_sdk.access.journal import ExportJournal
from dsr_sdk.access.object_store import open_store
from dsr_sdk.access.store import ExportStore
from dsr_sdk.answers import Answer
from dsr_sdk.bus import Bus
from dsr_sdk.connection import KafkaConnection
from dsr_sdk.engine import Engine, signing_to, utc_now
from dsr_sdk.environment import settings_from
from dsr_sdk.errors import ConfigurationError
from dsr_sdk.handlers import Asker, Handler, Looking
from dsr_sdk.logs import log_to_stderr
from dsr_sdk.outcome_sqlite import SqliteOutcomeStore
from dsr_sdk.outcomes import RETENTION, OutcomeStore, retention_faults
from dsr_sdk.processing import Processor
from dsr_sdk.requests import (
    AccessRequest,
    CorrectionRequest,
    DeletionRequest,
    ObjectionRequest,
    OptOutRequest,
    PortabilityRequest,
    RestrictionRequest,
    SystemRequest,
)
from dsr_sdk.tracing import record_spans
from dsr_wire.keys import SystemKeyPair
from dsr_wire.topics import notice_topic

__all__ = ["Subscriber"]

_LOG = logging.getLogger("dsr_sdk")

Answers = Sequence[Answer] | Mapping[RequestId, Answer] | Mapping[str, Answer]
"""What a batch handler returns: as many as it was asked, in the same order; or by request id."""

DeletionHandler = Callable[[DeletionRequest], Awaitable[Answer] | Answer]
DeletionBatchHandler = Callable[[Sequence[DeletionRequest]], Awaitable[Answers] | Answers]
Yielded = Row | File | Answer
"""What an access handler may yield: rows and files, and an answer at the end where one is needed."""

AccessHandler = Callable[
    [AccessRequest],
    Awaitable[Answer] | Answer | AsyncIterator[Yielded] | Iterator[Yielded],
]
AccessBatchHandler = Callable[[Sequence[AccessRequest]], Awaitable[Answers] | Answers]
CorrectionHandler = Callable[[CorrectionRequest], Awaitable[Answer] | Answer]
CorrectionBatchHandler = Callable[[Sequence[CorrectionRequest]], Awaitable[Answers] | Answers]
OptOutHandler = Callable[[OptOutRequest], Awaitable[Answer] | Answer]
OptOutBatchHandler = Callable[[Sequence[OptOutRequest]], Awaitable[Answers] | Answers]
RestrictionHandler = Callable[[RestrictionRequest], Awaitable[Answer] | Answer]
RestrictionBatchHandler = Callable[[Sequence[RestrictionRequest]], Awaitable[Answers] | Answers]
ObjectionHandler = Callable[[ObjectionRequest], Awaitable[Answer] | Answer]
ObjectionBatchHandler = Callable[[Sequence[ObjectionRequest]], Awaitable[Answers] | Answers]
PortabilityHandler = Callable[
    [PortabilityRequest],
    Awaitable[Answer] | Answer | AsyncIterator[Yielded] | Iterator[Yielded],
]
PortabilityBatchHandler = Callable[[Sequence[PortabilityRequest]], Awaitable[Answers] | Answers]
AnyHandler = Callable[[SystemRequest], Awaitable[Answer] | Answer]
AnyBatchHandler = Callable[[Sequence[SystemRequest]], Awaitable[Answers] | Answers]

DeletionT = TypeVar("DeletionT", bound=DeletionHandler)
DeletionBatchT = TypeVar("DeletionBatchT", bound=DeletionBatchHandler)
AccessT = TypeVar("AccessT", bound=AccessHandler)
AccessBatchT = TypeVar("AccessBatchT", bound=AccessBatchHandler)
CorrectionT = TypeVar("CorrectionT", bound=CorrectionHandler)
CorrectionBatchT = TypeVar("CorrectionBatchT", bound=CorrectionBatchHandler)
OptOutT = TypeVar("OptOutT", bound=OptOutHandler)
OptOutBatchT = TypeVar("OptOutBatchT", bound=OptOutBatchHandler)
RestrictionT = TypeVar("RestrictionT", bound=RestrictionHandler)
RestrictionBatchT = TypeVar("RestrictionBatchT", bound=RestrictionBatchHandler)
ObjectionT = TypeVar("ObjectionT", bound=ObjectionHandler)
ObjectionBatchT = TypeVar("ObjectionBatchT", bound=ObjectionBatchHandler)
PortabilityT = TypeVar("PortabilityT", bound=PortabilityHandler)
PortabilityBatchT = TypeVar("PortabilityBatchT", bound=PortabilityBatchHandler)
AnyT = TypeVar("AnyT", bound=AnyHandler)
AnyBatchT = TypeVar("AnyBatchT", bound=AnyBatchHandler)

Ready = Callable[[], Awaitable[None] | None]


class Subscriber:
    """Takes the notices of one system, asks its handlers, and sends their answers.

    A handler is asked at least once for each obligation, and not again once its answer is stored.
    Where a crash fell between its effect and that, the request says `may_be_repeat`. A handler may
    be a coroutine function, or a plain function, which runs in a thread. If it raises, its
    obligation is answered `failed` with the exception's class, and the others go on; it is asked
    again after a pause, which grows from a second to an hour. A batch handler that raises is asked
    again in halves, down to the requests at fault, so that these alone are answered `failed`.

    Args:
        system_id: The system, as it is registered.
        organisation_id: The organisation that owns it, as it is registered.
        keys: The system's private keys, made by `dsr-sdk keys new`.
        kafka: Where Kafka is; needed to run, not to test.
        outcomes: Where outcomes are kept; `./<system_id>-outcomes.sqlite` unless given.
        concurrency: How many single handlers run at once; batch handlers run one at a time.
        batch_size: How many requests a batch handler is given at most.
        drain_timeout: How many seconds a stop waits for handlers that are at work.
        ready_file: Touched once partitions are assigned.
        retention: How long outcomes are kept after they were confirmed; longer than a notice can
            come again, or its handler would be asked for what is done.
        store: The object store that an access handler which yields hands over to: its address, as
            `DSR_STORE_URL` has it, or an implementation of the port.
        export_limits: How much one export may hold.
        honours_scope: Whether the handlers heed `request.scope`. Unless they do, a request for some
            categories only is answered `failed` without asking them, so that nothing is erased or
            handed over beyond what was asked.
        honours_since: The rights whose handlers heed `request.scope.since`, likewise.
        traces: Whether spans are exported; `dsr_sdk.tracing` says how, and needs `dsr-sdk[traces]`.

    Raises:
        ConfigurationError: The ids, the keys or the numbers do not fit.
    """

    def __init__(
        self,
        system_id: str,
        *,
        organisation_id: str,
        keys: SystemKeyPair,
        kafka: KafkaConnection | None = None,
        outcomes: OutcomeStore | None = None,
        concurrency: int = 8,
        batch_size: int = 500,
        drain_timeout: float = 20.0,
        ready_file: Path | None = None,
        retention: timedelta = RETENTION,
        store: ExportStore | str | None = None,
        export_limits: ExportLimits | None = None,
        honours_scope: bool = False,
        honours_since: Collection[Right] = (),
        traces: bool = False,
    ) -> None:
        faults = [
            f"{name} must be a registry id, not {value!r}"
            for name, value in (("system_id", system_id), ("organisation_id", organisation_id))
            if not is_slug(value)
        ]
        if keys.system_id != system_id:
            faults.append(f"the keys are those of {keys.system_id!r}, not of {system_id!r}")
        if concurrency < 1 or batch_size < 1:
            faults.append("concurrency and batch_size must be 1 or more")
        faults.extend(f"retention {one}" for one in retention_faults(retention))
        faults.extend(kafka.faults() if kafka is not None else ())
        if faults:
            raise ConfigurationError(faults)
        self.system_id = SystemId(system_id)
        self.organisation_id = OrganisationId(organisation_id)
        self.keys = keys
        self.handlers: dict[Right, Handler] = {}
        self.looking: Looking | None = None
        self.asker = Asker(concurrency=concurrency, batch_size=batch_size)
        self._kafka = kafka
        self._outcomes = outcomes or SqliteOutcomeStore(Path(f"{system_id}-outcomes.sqlite"))
        self._drain_timeout = drain_timeout
        self._ready_file = ready_file
        self._retention = retention
        self._store = store
        self.export_limits = export_limits
        self.honours_scope = honours_scope
        self.honours_since = frozenset(honours_since)
        self._on_ready: list[Ready] = []
        self._engine: Engine | None = None
        self._processor: Processor | None = None
        self._exporter: Exporter | None = None
        self._finished = asyncio.Event()
        if traces:
            record_spans(system_id)

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, *, honours_scope: bool = False
    ) -> Subscriber:
        """Make a subscriber from the variables that `dsr-sdk check` lists.

        Raises:
            ConfigurationError: Something is missing or wrong; every fault in a line of its own.
        """
        settings = settings_from(os.environ if environ is None else environ)
        return cls(**settings, honours_scope=honours_scope)

    def deletion(self, handler: DeletionT) -> DeletionT:
        """Register the handler that erases what the system holds on one person."""
        self._register(Right.DELETION, handler, is_batch=False)
        return handler

    def deletion_batch(self, handler: DeletionBatchT) -> DeletionBatchT:
        """Register the handler that erases for many persons at once."""
        self._register(Right.DELETION, handler, is_batch=True)
        return handler

    def access(self, handler: AccessT) -> AccessT:
        """Register the handler that hands over what the system holds on one person.

        It is an async or a plain generator function, and yields `Row` and `File`; nothing yielded is
        answered `not_found`, everything else `delivered`, unless it yields an answer at the end, such as
        `PartiallyExempt`. Values that the registry protects, and those that never leave, are replaced on
        the way. A function that returns an answer hands over by a way of its own.
        """
        self._register(Right.ACCESS, handler, is_batch=False)
        return handler

    def access_batch(self, handler: AccessBatchT) -> AccessBatchT:
        """Register the handler that hands over for many persons at once."""
        self._register(Right.ACCESS, handler, is_batch=True)
        return handler

    def correction(self, handler: CorrectionT) -> CorrectionT:
        """Register the handler that puts right what the system holds on one person."""
        self._register(Right.CORRECTION, handler, is_batch=False)
        return handler

    def correction_batch(self, handler: CorrectionBatchT) -> CorrectionBatchT:
        """Register the handler that corrects for many persons at once."""
        self._register(Right.CORRECTION, handler, is_batch=True)
        return handler

    def opt_out(self, handler: OptOutT) -> OptOutT:
        """Register the handler that stops marketing to one person, and the sale of their data."""
        self._register(Right.OPT_OUT, handler, is_batch=False)
        return handler

    def opt_out_batch(self, handler: OptOutBatchT) -> OptOutBatchT:
        """Register the handler that stops both for many persons at once."""
        self._register(Right.OPT_OUT, handler, is_batch=True)
        return handler

    def restriction(self, handler: RestrictionT) -> RestrictionT:
        """Register the handler that keeps what the system holds on one person, and stops its use.

        What has restricted lifts it by itself, once the ground has gone, and not before the person was
        told (GDPR article 18(3)).
        """
        self._register(Right.RESTRICTION, handler, is_batch=False)
        return handler

    def restriction_batch(self, handler: RestrictionBatchT) -> RestrictionBatchT:
        """Register the handler that restricts for many persons at once."""
        self._register(Right.RESTRICTION, handler, is_batch=True)
        return handler

    def objection(self, handler: ObjectionT) -> ObjectionT:
        """Register the handler that stops the use of what the system holds on one person.

        It returns `Refused` only with compelling grounds (GDPR article 21(1)); marketing it ends whatever
        else it does (21(3)).
        """
        self._register(Right.OBJECTION, handler, is_batch=False)
        return handler

    def objection_batch(self, handler: ObjectionBatchT) -> ObjectionBatchT:
        """Register the handler that stops the use for many persons at once."""
        self._register(Right.OBJECTION, handler, is_batch=True)
        return handler

    def portability(self, handler: PortabilityT) -> PortabilityT:
        """Register the handler that hands over, for machines, what one person has provided.

        As with `access`. It yields what the person has given to the system, or what the system has seen
        of their use of it, and nothing that was concluded from that (GDPR article 20(1)). A `File` that is
        made for reading, such as a PDF, is answered `failed`.
        """
        self._register(Right.PORTABILITY, handler, is_batch=False)
        return handler

    def portability_batch(self, handler: PortabilityBatchT) -> PortabilityBatchT:
        """Register the handler that hands over for many persons at once, by a way of its own."""
        self._register(Right.PORTABILITY, handler, is_batch=True)
        return handler

    def right(self, right: Right) -> Callable[[AnyT], AnyT]:
        """Register the handler of any right, also of one that has no method of its own here."""

        def register(handler: AnyT) -> AnyT:
            self._register(right, handler, is_batch=False)
            return handler

        return register

    def right_batch(self, right: Right) -> Callable[[AnyBatchT], AnyBatchT]:
        """Register the handler of any right for many persons at once."""

        def register(handler: AnyBatchT) -> AnyBatchT:
            self._register(right, handler, is_batch=True)
            return handler

        return register

    def look_again(self, *, after: timedelta = timedelta()) -> Callable[[DeletionT], DeletionT]:
        """Register the handler that looks whether what was erased is gone, and changes nothing.

        It is asked where the registry says that this system verifies its erasures
        (`verification: before-closing`), and returns `Absent` or `Present`: the obligation is open
        until it is `Absent`. After `Present` the handler that erases is asked again.

        Args:
            after: How long after the erasure it is asked at the earliest: as long as copies and
                replicas lag behind.
        """

        def register(handler: DeletionT) -> DeletionT:
            if self.looking is not None:
                raise ConfigurationError(["there is already a handler that looks again"])
            self.looking = Looking(Handler(Right.DELETION, handler, is_batch=False), after)
            return handler

        return register

    def on_ready(self, callback: Ready) -> Ready:
        """Call back, once, when partitions are assigned."""
        self._on_ready.append(callback)
        return callback

    def run(self, bus: Bus | None = None) -> None:
        """Serve until SIGTERM or SIGINT, then finish what is in hand and return.

        Args:
            bus: Stands in for Kafka; tests give one.

        Raises:
            ConfigurationError: There is no handler, or no Kafka to connect to.
        """
        log_to_stderr()
        asyncio.run(self._run(bus))
        if self.asker.has_busy_threads or (self._exporter and self._exporter.has_busy_threads):
            _LOG.warning("a handler is still at work in its thread and is abandoned")
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)  # a thread cannot be ended, and the interpreter would wait for it

    async def serve(self, bus: Bus | None = None) -> None:
        """Serve inside a running event loop until `stop`.

        Args:
            bus: Stands in for Kafka; tests give one.

        Raises:
            ConfigurationError: There is no handler, or no Kafka to connect to.
        """
        engine = self._start(bus or self._kafka_bus())
        running = asyncio.create_task(engine.run())
        stopping = asyncio.create_task(engine.wait_for_stop())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({running}, timeout=self._drain_timeout)
            if not running.done():
                _LOG.warning(
                    "handlers are still at work and are abandoned; they will be asked again"
                )
        finally:
            stopping.cancel()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            self.asker.close()
            if self._exporter is not None:
                await self._exporter.close()
            self._engine = self._processor = None
            self._finished.set()

    async def stop(self) -> None:
        """Stop taking notices, finish what is in hand, and return when `serve` has.

        Never awaited by a handler, since the stop waits for handlers.
        """
        if self._engine is not None:
            self._engine.request_stop()
            await self._finished.wait()

    async def answer(self, request_id: str, right: Right, answer: Answer) -> None:
        """Answer later, after a handler returned `InProgress`.

        The answer is durable when this returns, and is sent as soon as can be. The same answer again
        changes nothing. After a stop, one that confirms is told as `too_late`.

        Raises:
            RuleViolation: This system was never asked, has confirmed with another answer, or was
                told to stop and does not confirm.
            RejectedInput: The answer is none for this right, or could not be sent.
            Unavailable: The subscriber is not running, or the store is away; nothing was recorded.
        """
        if self._processor is None:
            raise Unavailable("the subscriber is not running")
        await self._processor.answer(RequestId(request_id), right, answer)

    async def _run(self, bus: Bus | None) -> None:
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(self.serve(bus))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._request_stop)
        await serving

    def _request_stop(self) -> None:
        if self._engine is not None:
            self._engine.request_stop()

    def _start(self, bus: Bus) -> Engine:
        if not self.handlers:
            raise ConfigurationError(["no handler is registered"])
        self._finished.clear()
        self._exporter = self._made_exporter()
        self._processor = Processor(
            keys=self.keys,
            handlers=self.handlers,
            outcomes=self._outcomes,
            asker=self.asker,
            clock=utc_now,
            emit=signing_to(bus, self.keys),
            honours_scope=self.honours_scope,
            honours_since=self.honours_since,
            looking=self.looking,
            exporter=self._exporter,
        )
        self._engine = Engine(
            bus=bus,
            processor=self._processor,
            outcomes=self._outcomes,
            topics=sorted(notice_topic(one, self.organisation_id).name for one in self.handlers),
            system_id=self.system_id,
            organisation_id=self.organisation_id,
            ready=self._ready,
            retention=self._retention,
        )
        return self._engine

    def _made_exporter(self) -> Exporter | None:
        if not any(one.is_streaming for one in self.handlers.values()):
            return None
        if self._store is None:
            raise ConfigurationError(["the access handler yields, and there is no object store"])
        if not isinstance(self._outcomes, ExportJournal):
            raise ConfigurationError(["the outcome store keeps no journal of exports"])
        return Exporter(
            store=open_store(self._store) if isinstance(self._store, str) else self._store,
            journal=self._outcomes,
            system_id=self.system_id,
            clock=utc_now,
            limits=self.export_limits,
        )

    def _kafka_bus(self) -> Bus:
        if self._kafka is None:
            raise ConfigurationError(["no Kafka is configured to take notices from"])
        from dsr_sdk.kafka_bus import KafkaBus  # noqa: PLC0415 - loading the client takes most of a start

        return KafkaBus(self._kafka, client_id=self.system_id)

    async def _ready(self) -> None:
        callbacks, self._on_ready = self._on_ready, []
        for callback in callbacks:
            called = callback()
            if called is not None:
                await called
        if self._ready_file is not None:
            self._ready_file.touch()
        _LOG.info("%s is ready for %s", self.system_id, ", ".join(sorted(self.handlers)))

    def _register(self, right: Right, function: Callable[[Any], Any], *, is_batch: bool) -> None:
        if right in self.handlers:
            raise ConfigurationError([f"there is already a handler for {right}"])
        handler = Handler(right, function, is_batch)
        if handler.is_streaming and (is_batch or not RIGHTS[right].hands_over):
            raise ConfigurationError(["only a handler that hands over for one person yields"])
        self.handlers[right] = handler
