"""Accepting: drafts become durable, many in one transaction, whichever call they came by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from dsr_core.ids import RequestId
from dsr_intake.application.awaiting import together
from dsr_intake.application.beginning import with_commands
from dsr_intake.application.duplicating import linked
from dsr_intake.application.forming import cohorts_of_many, cohorts_of_one
from dsr_intake.application.room import Overloaded
from dsr_intake.metrics import Metrics
from dsr_intake.model import (
    Acceptance,
    Accepted,
    Draft,
    FormedCohort,
    KeyReused,
    OpenTwin,
    StillRunning,
    Verdict,
    WrappedKey,
)
from dsr_intake.ports import AcceptanceStore, KeyWrapper

__all__ = ["AppealAcceptor", "BatchAcceptor", "InteractiveAcceptor"]

_TOGETHER = 128
"""Interactive requests in one transaction at most."""

_STORED_AGAIN_S = 2
"""When a client that was shed should come again."""

_Grouping = Callable[[Sequence[Draft]], tuple[FormedCohort, ...]]


class _Acceptor:
    def __init__(
        self,
        *,
        store: AcceptanceStore,
        wrapper: KeyWrapper,
        metrics: Metrics,
        on_committed: Callable[[], object],
    ) -> None:
        self._store = store
        self._wrapper = wrapper
        self._metrics = metrics
        self._on_committed = on_committed

    async def knows(self, draft: Draft) -> bool:
        """Tell whether a draft's idempotency key stands for a request already, and gets its answer."""
        return draft.tag is not None and await self._store.knows(draft.tag)

    async def _write(
        self, drafts: Sequence[Draft], grouping: _Grouping, *, call: str, wait: bool
    ) -> list[Verdict]:
        started = time.perf_counter()
        wrapped = await self._wrapper.wrap([(one.request_id, one.data_key) for one in drafts])
        keys: dict[RequestId, WrappedKey] = {
            draft.request_id: key for draft, key in zip(drafts, wrapped, strict=True)
        }
        formed: tuple[FormedCohort, ...] = ()

        def form(fresh: Sequence[Draft], twins: Sequence[OpenTwin]) -> Acceptance:
            nonlocal formed
            formed = with_commands(grouping(together(linked(fresh, twins))))
            return Acceptance(formed, keys)

        verdicts = await self._store.accept(drafts, form, wait=wait)
        if formed:
            self._on_committed()
        self._count(drafts, verdicts, formed, call)
        self._metrics.accept_seconds.observe(time.perf_counter() - started)
        return verdicts

    def _count(
        self,
        drafts: Sequence[Draft],
        verdicts: Sequence[Verdict],
        formed: tuple[FormedCohort, ...],
        call: str,
    ) -> None:
        metrics = self._metrics
        metrics.accept_size.observe(len(drafts))
        for one in formed:
            metrics.cohort_size.observe(len(one.members))
            cohort = one.cohort
            metrics.accepted.labels(call, cohort.right, cohort.regime).inc(len(one.members))
        for draft, verdict in zip(drafts, verdicts, strict=True):
            match verdict:
                case Accepted():
                    if verdict.request_id != draft.request_id:
                        metrics.replayed.labels(call).inc()
                case KeyReused():
                    metrics.refused.labels(call, "idempotency_key_reused").inc()
                case StillRunning():
                    metrics.refused.labels(call, "still_running").inc()


class InteractiveAcceptor(_Acceptor):
    """Accepts single requests; those that arrive while a transaction runs share the next one.

    Nothing waits for a timer: a request that finds no transaction running starts one. A request that
    finds too many waiting is shed, so that those which wait are answered while somebody listens.
    """

    def __init__(
        self,
        *,
        store: AcceptanceStore,
        wrapper: KeyWrapper,
        metrics: Metrics,
        on_committed: Callable[[], object],
        waiting_limit: int,
    ) -> None:
        super().__init__(store=store, wrapper=wrapper, metrics=metrics, on_committed=on_committed)
        self._waiting_limit = waiting_limit
        self._waiting: list[tuple[Draft, asyncio.Future[Verdict]]] = []
        self._keys: set[bytes] = set()
        self._writing: asyncio.Task[None] | None = None

    def check_room(self) -> None:
        """Return when one more request can wait; ask before anything is done for it.

        Raises:
            Overloaded: It cannot.
        """
        if len(self._waiting) >= self._waiting_limit:
            raise Overloaded(
                "too many requests wait to be stored; try again", retry_after_s=_STORED_AGAIN_S
            )

    async def accept(self, draft: Draft) -> Verdict:
        """Return when the draft is durable, or with the reason why it is not new.

        Raises:
            Overloaded: Too many wait already.
            Unavailable: The store is away.
        """
        self.check_room()
        key = draft.tag.key if draft.tag else None
        if key is not None:
            if key in self._keys:
                return StillRunning()
            self._keys.add(key)
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        try:
            return await future
        finally:
            if key is not None:
                self._keys.discard(key)

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
                await self._settle(taken)
        finally:
            self._writing = None

    async def _settle(self, taken: list[tuple[Draft, asyncio.Future[Verdict]]]) -> None:
        drafts = [draft for draft, _ in taken]
        try:
            verdicts = await self._write(drafts, cohorts_of_one, call="single", wait=False)
        except Exception as error:  # noqa: BLE001 - each caller raises it; HTTP maps it there
            for _, future in taken:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), verdict in zip(taken, verdicts, strict=True):
                if not future.done():
                    future.set_result(verdict)


class AppealAcceptor(_Acceptor):
    """Accepts appeals, each in a transaction of its own: one that comes second spoils no other."""

    async def accept(self, draft: Draft) -> Verdict:
        """Return when the draft is durable, or with the reason why it is not new.

        Raises:
            RuleViolation: There is an appeal against the same request.
            Unavailable: The store is away.
        """
        [verdict] = await self._write([draft], cohorts_of_one, call="appeal", wait=False)
        return verdict


class BatchAcceptor(_Acceptor):
    """Accepts lines of a batch, grouped into cohorts."""

    async def accept(self, drafts: Sequence[Draft]) -> list[Verdict]:
        """Return one verdict a draft when all of them are durable."""
        if not drafts:
            return []
        return await self._write(drafts, cohorts_of_many, call="batch", wait=True)
