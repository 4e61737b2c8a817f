"""Asking an access handler that yields, and answering for it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_core.exports import ProtectedField
from dsr_core.ids import RequestId, SystemId, uuid7
from dsr_core.rights import RIGHTS, Right
from dsr_sdk.access.items import ExportLimits, File, Item, Row, is_for_reading
from dsr_sdk.access.journal import BegunExport, ExportJournal
from dsr_sdk.access.store import ExportStore, StoreAway
from dsr_sdk.access.uploading import ContentChanged, Upload
from dsr_sdk.access.writing import ExportWriter, LimitExceeded
from dsr_sdk.answers import (
    Answer,
    Delivered,
    Failed,
    InProgress,
    NotFound,
    PartiallyExempt,
    Unresolvable,
)
from dsr_sdk.deciding import pause_after
from dsr_sdk.handlers import Handler, UnfitAnswer
from dsr_sdk.obligations import ObligationKey
from dsr_sdk.requests import SystemRequest
from dsr_sdk.threads import Threads
from dsr_wire.exports import ExportKey
from dsr_wire.sealing_keys import SealingKey

__all__ = ["Exporter", "Terms", "handing_over"]

_LOG = logging.getLogger("dsr_sdk")

Streaming = Callable[[Any], AsyncGenerator[Any, None] | Generator[Any, None, None]]
Later = Callable[[RequestId, Right, Answer], Awaitable[None]]
"""Records an answer that comes after `InProgress`."""

_PATIENCE = 2.0
"""So many seconds the others of a round wait for one export; then it goes on beside them."""

_AGAIN_AFTER = timedelta(seconds=60)
"""So long after `in_progress` it is asked for again at the latest: after a crash nothing else would."""

_STORE_AGAIN_AFTER = timedelta(seconds=30)
_STORE_PATIENCE = 60.0
_TURN_SECONDS = 0.01
"""So long the event loop is kept by rows that are there already."""

_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Terms:
    """What a notice says of handing over."""

    protected: tuple[ProtectedField, ...] = ()
    package_key: bytes = b""


_Running: TypeAlias = "asyncio.Task[Answer]"


class Exporter:
    """Hands over, a bounded number of exports at a time.

    One that takes long is answered `in_progress`, so that nobody waits for it, and goes on; its answer
    follows. After a crash its handler is asked again within a minute, and what was uploaded is not
    uploaded again as long as the handler yields the same.
    """

    def __init__(
        self,
        *,
        store: ExportStore,
        journal: ExportJournal,
        system_id: SystemId,
        clock: Callable[[], datetime],
        limits: ExportLimits | None = None,
        at_once: int = 3,
        patience: float = _PATIENCE,
        store_patience: float = _STORE_PATIENCE,
    ) -> None:
        self._store = store
        self._journal = journal
        self._system_id = system_id
        self._clock = clock
        self._limits = limits or ExportLimits()
        self._patience = patience
        self._store_patience = store_patience
        self._at_once = at_once
        self._slots = asyncio.Semaphore(at_once)
        self._threads = Threads(2 * at_once, "dsr-export")
        self._long: dict[RequestId, _Running] = {}
        self._following: set[asyncio.Task[None]] = set()

    @property
    def has_busy_threads(self) -> bool:
        """Whether a plain handler is still running in a thread."""
        return self._threads.are_busy

    async def hand_over(
        self, function: Streaming, request: SystemRequest, terms: Terms, later: Later
    ) -> Answer:
        """Ask the handler, and return its answer, or `InProgress` where it takes long.

        Whatever the handler raises is raised.
        """
        running = self._long.get(request.request_id)
        if running is None:
            if sum(not one.done() for one in self._long.values()) >= self._at_once:
                return self._in_progress(request)
            try:
                async with asyncio.timeout(self._patience):
                    await self._slots.acquire()
            except TimeoutError:
                return self._in_progress(request)
            running = asyncio.create_task(self._export(function, request, terms))
            running.add_done_callback(lambda _: self._slots.release())
            try:
                await asyncio.wait({running}, timeout=self._patience)
            except asyncio.CancelledError:
                running.cancel()
                raise
            if not running.done():
                self._long[request.request_id] = running
                following = asyncio.create_task(self._follow(request, running, later))
                self._following.add(following)
                following.add_done_callback(self._following.discard)
        if not running.done():
            return self._in_progress(request)
        self._long.pop(request.request_id, None)
        return running.result()

    def cancel(self, request_id: RequestId) -> None:
        """End an export that goes on: its request was stopped."""
        running = self._long.pop(request_id, None)
        if running is not None:
            running.cancel()

    async def close(self) -> None:
        """End what goes on. It is asked for again at the next start."""
        going = [*self._long.values(), *self._following]
        self._long.clear()
        for one in going:
            one.cancel()
        if going:
            await asyncio.wait(going)
        self._threads.close()

    def _in_progress(self, request: SystemRequest) -> InProgress:
        again_after = min(pause_after(request.attempt), _AGAIN_AFTER)
        return InProgress("the export goes on", self._clock() + again_after)

    async def _follow(self, request: SystemRequest, running: _Running, later: Later) -> None:
        """Answer for an export that took long; what cannot be told now is told when it is asked again."""
        await asyncio.wait({running})
        if running.cancelled() or running.exception() is not None:
            return
        try:
            await later(request.request_id, request.right, running.result())
        except (RejectedInput, Unavailable):
            return
        except RuleViolation as fault:
            _LOG.warning("request %s: %s", request.request_id, fault.detail)
        if self._long.get(request.request_id) is running:
            del self._long[request.request_id]

    async def _export(self, function: Streaming, request: SystemRequest, terms: Terms) -> Answer:
        if not terms.package_key:
            return Failed("the notice names no package to hand over to")
        key = ObligationKey(request.request_id, request.right)
        begun = await self._journal.begun_export(key)
        try:
            if begun is not None:
                with suppress(ContentChanged):
                    return await self._ask(function, request, terms, begun)
                _LOG.info("request %s: its content has changed; it is exported anew", key[0])
            return await self._ask(function, request, terms, self._new(key))
        except StoreAway as fault:
            _LOG.error("request %s: %s", request.request_id, fault)
            return Failed("the object store is away", self._clock() + _STORE_AGAIN_AFTER)
        except LimitExceeded as fault:
            _LOG.error("request %s: %s", request.request_id, fault)
            return Failed(str(fault))

    def _new(self, key: ObligationKey) -> BegunExport:
        now = self._clock().timestamp()
        export_id = uuid7(int(now * 1000), secrets.token_bytes(10))
        made = ExportKey.generate(
            request_id=key.request_id, system_id=self._system_id, export_id=export_id
        )
        return BegunExport(export_id, made.raw, {})

    async def _ask(
        self, function: Streaming, request: SystemRequest, terms: Terms, begun: BegunExport
    ) -> Answer:
        upload = Upload(
            begun,
            obligation=ObligationKey(request.request_id, request.right),
            system_id=self._system_id,
            store=self._store,
            journal=self._journal,
            threads=self._threads,
            patience=self._store_patience,
        )
        writer = ExportWriter(
            upload, protected=terms.protected, limits=self._limits, threads=self._threads
        )
        for_machines = RIGHTS[request.right].for_machines
        answer: Answer | None = None
        try:
            async with aclosing(self._yielded(function(request))) as items:
                async for item in items:
                    if answer is not None:
                        raise UnfitAnswer("a handler yields nothing after its answer")
                    match item:
                        case Row():
                            await writer.row(item)
                        case File() if for_machines and is_for_reading(item.name):
                            return Failed("a file is made for reading, and no machine takes it")
                        case File():
                            await writer.file(item)
                        case _:
                            answer = _checked(item)
            return await self._answer(writer, answer, terms)
        finally:
            await writer.abandon()

    async def _answer(self, writer: ExportWriter, answer: Answer | None, terms: Terms) -> Answer:
        if writer.is_empty:
            return answer or NotFound()
        match answer:
            case Failed() | InProgress() | Unresolvable():
                return answer
            case None:
                delivery = await writer.finish(SealingKey(terms.package_key))
                return Delivered(writer.records, delivery)
            case PartiallyExempt():
                delivery = await writer.finish(SealingKey(terms.package_key))
                return replace(answer, erased=writer.records, delivery=delivery)
            case _:
                detail = f"what was yielded cannot be answered with {type(answer).__name__}"
                raise UnfitAnswer(detail)

    async def _yielded(
        self, generator: AsyncGenerator[Any, None] | Generator[Any, None, None]
    ) -> AsyncGenerator[Item | Answer, None]:
        """Yield what a handler yields, and let others have their turn meanwhile."""
        if isinstance(generator, Generator):
            items: AsyncGenerator[Any, None] = self._from_thread(generator)
        else:
            items = generator
        async with aclosing(items):
            since = time.monotonic()
            async for item in items:
                yield item
                if time.monotonic() - since > _TURN_SECONDS:
                    await asyncio.sleep(0)
                    since = time.monotonic()

    async def _from_thread(
        self, generator: Generator[Any, None, None]
    ) -> AsyncGenerator[Any, None]:
        try:
            while some := await self._threads.run(_some, generator):
                for item in some:
                    yield item
        finally:
            with suppress(ValueError):  # it is still running in its thread, and ends with it
                generator.close()


def handing_over(
    handler: Handler,
    exporter: Exporter | None,
    terms: Callable[[SystemRequest], Terms],
    later: Later,
) -> Handler:
    """Return a handler that has what the given one yields handed over, and answers for it."""

    async def hand_over(request: SystemRequest) -> Answer:
        if exporter is None:
            return Failed("this system has no object store to hand over to")
        return await exporter.hand_over(handler.function, request, terms(request), later)

    return replace(handler, function=hand_over)


def _some(generator: Generator[Any, None, None]) -> list[Any]:
    """Return what a generator yields next: some rows, or rows up to a file, which is read before more."""
    found = []
    for item in generator:
        found.append(item)
        if len(found) == _ROWS_AT_ONCE or not isinstance(item, Row):
            break
    return found


def _checked(item: object) -> Answer:
    if isinstance(item, Answer):
        return item
    raise UnfitAnswer(f"a handler yields rows, files and an answer, not {type(item).__name__}")
