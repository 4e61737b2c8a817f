"""Live events: one reader of what changes serves everyone who listens.

It asks while somebody listens, and not otherwise; a thousand listeners cost what one does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import structlog

from dsr_core.errors import RejectedInput, Unavailable
from dsr_intake.application.event import (
    Event,
    Position,
    ledger_events,
    reset_event,
    state_events,
)
from dsr_intake.metrics import Metrics
from dsr_intake.model import LedgerChange, Owner, StateChangeRow
from dsr_intake.model.principals import Sight
from dsr_intake.ports import Ledger, StateFeed
from dsr_runtime.backoff import Backoff

__all__ = ["Events", "Listener"]

log = structlog.get_logger(__name__)

_INTERVAL_S = 0.2
_PAGE = 1000
_REPLAY_PAGES = 10
_QUEUE_LIMIT = 5000
_LISTENERS_LIMIT = 5000


@dataclass(slots=True, eq=False)
class Listener:
    """Someone who listens: to one request, or to all that they see."""

    sight: Sight
    request_id: str | None
    start: Position
    queue: asyncio.Queue[Event | None] = field(
        default_factory=lambda: asyncio.Queue(_QUEUE_LIMIT + 1)
    )
    """None at its end: the service stops, or the listener was too slow."""

    def tell(self, event: Event | None) -> bool:
        """Queue an event; false once the listener is too far behind."""
        if self.queue.qsize() >= _QUEUE_LIMIT:
            if not self.queue.full():
                self.queue.put_nowait(None)
            return False
        self.queue.put_nowait(event)
        return True


class Events:
    """Reads both feeds and tells listeners."""

    def __init__(self, *, states: StateFeed, ledger: Ledger, metrics: Metrics) -> None:
        self._states = states
        self._ledger = ledger
        self._metrics = metrics
        self._listeners: set[Listener] = set()
        self._position: Position | None = None
        self._moving = asyncio.Lock()
        self._someone = asyncio.Event()
        self._stopping = asyncio.Event()
        self._ledger_away = False
        self._states_away = False

    async def listen(self, sight: Sight, request_id: str | None = None) -> Listener:
        """Add a listener; what changes from its start on is in its queue.

        Whoever asks for one request has made sure that it is seen.

        Raises:
            Unavailable: There are too many, the service stops, or the store is away.
        """
        if self._stopping.is_set() or len(self._listeners) >= _LISTENERS_LIMIT:
            raise Unavailable("no more streams can be opened here; try again")
        async with self._moving:
            if not self._listeners or self._position is None:
                # Nobody has followed since the last one left.
                self._position = await self._now()
            listener = Listener(sight, request_id, self._position)
            self._listeners.add(listener)
        self._metrics.listeners.set(len(self._listeners))
        self._someone.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Remove a listener; safe to repeat."""
        self._listeners.discard(listener)
        self._metrics.listeners.set(len(self._listeners))
        if not self._listeners:
            self._someone.clear()

    async def missed(self, listener: Listener, since: Position) -> list[Event] | None:
        """Return what a listener has missed between a position and its start, in order.

        None where it is too far back to be told one by one, or where the verifier is away or was so
        at either end.

        Raises:
            Unavailable: The store is away.
        """
        start = listener.start
        ledger: list[LedgerChange] = []
        if bool(since.cursor) != bool(start.cursor):
            return None
        if since.cursor != start.cursor:
            found = await self._replay(since.cursor, start.cursor)
            if found is None:
                return None
            ledger = await self._concerning(listener, found)
        told: list[StateChangeRow] = []
        revision = since.revision
        while revision < start.revision:
            page, revision = await self._states.changed_since(
                revision, request_id=listener.request_id, sight=listener.sight
            )
            told += [one for one in page if one.revision <= start.revision]
            if len(told) > _QUEUE_LIMIT:
                return None
            if not page:
                break
        return [
            *ledger_events(ledger, since.revision),
            *state_events(told, since.revision, start.cursor),
        ]

    async def run(self) -> None:
        """Read and tell until `stop`; while the store is away, listeners are kept and wait."""
        backoff = Backoff()
        while not self._stopping.is_set():
            await self._until(self._someone)
            if self._stopping.is_set():
                break
            try:
                async with self._moving:
                    if self._listeners:
                        await self._move()
            except Unavailable as fault:
                if not self._states_away:
                    log.warning("no events are told for now", error=str(fault))
                self._states_away = True
                await backoff.wait(self._stopping)
                continue
            backoff = Backoff()
            await self._until(self._stopping, timeout_s=_INTERVAL_S)
        for listener in list(self._listeners):
            listener.tell(None)

    def stop(self) -> None:
        """End every stream, and `run`."""
        self._stopping.set()
        self._someone.set()

    @staticmethod
    async def _until(event: asyncio.Event, timeout_s: float | None = None) -> None:
        try:
            await asyncio.wait_for(event.wait(), timeout_s)
        except TimeoutError:
            return

    async def _now(self) -> Position:
        try:
            _, cursor = await self._ledger.changes(None, limit=1)
        except Unavailable:
            cursor = ""
        return Position(await self._states.horizon(), cursor)

    async def _move(self) -> None:
        """Tell what has changed; where this raises, nothing was told and the position has not moved."""
        position = self._position or await self._now()
        if self._states_away:
            if await self._states.horizon() < position.revision:
                # A store that was restored counts from an earlier revision again.
                await self._restart()
                return
            self._states_away = False
        # States first, ledger second, told the other way round: whatever led to a state that was
        # read is then told before it.
        states, revision = await self._states.changed_since(position.revision)
        ledger, cursor = await self._ledger_since(position.cursor)
        ledger = await self._with_twins(ledger)
        events = [
            *ledger_events(ledger, position.revision),
            *state_events(states, position.revision, cursor),
        ]
        owners = await self._owners(events, {one.request_id: one.owner for one in states})
        self._position = Position(revision, cursor)
        if cursor and not position.cursor:
            # What the ledger recorded before was never told.
            self._reset(Position(position.revision, cursor))
        self._tell(events, owners)

    async def _restart(self) -> None:
        """Go on from now, and say so."""
        self._position = await self._now()
        self._states_away = False
        self._reset(self._position)

    def _reset(self, position: Position) -> None:
        event = reset_event(position)
        for listener in [one for one in self._listeners if not one.tell(event)]:
            self.leave(listener)

    async def _ledger_since(self, cursor: str) -> tuple[list[LedgerChange], str]:
        changes: list[LedgerChange] = []
        try:
            while True:
                page, after = await self._ledger.changes(cursor or None, limit=_PAGE)
                changes += page
                if not cursor:
                    return [], after
                cursor = after
                if len(page) < _PAGE:
                    break
        except RejectedInput:
            log.warning("the verifier's feed does not reach back; going on from now")
            return changes, ""
        except Unavailable:
            if not self._ledger_away:
                log.warning("the verifier is away; events of states go on", part="verifier")
            self._ledger_away = True
        else:
            self._ledger_away = False
        return changes, cursor

    async def _with_twins(self, changes: list[LedgerChange]) -> list[LedgerChange]:
        """Return changes, each of them again as one of every request that is answered with it."""
        if not changes:
            return changes
        twins = await self._states.twins(sorted({one.request_id for one in changes}))
        if not twins:
            return changes
        return [
            told
            for one in changes
            for told in (
                one,
                *(
                    replace(one, request_id=twin.request_id)
                    for twin in twins
                    if twin.repeats == one.request_id
                ),
            )
        ]

    async def _owners(self, events: list[Event], known: dict[str, Owner]) -> dict[str, Owner]:
        if all(one.request_id is not None for one in self._listeners):
            return known
        unknown = {one.request_id for one in events} - known.keys()
        return known | await self._states.owners(sorted(unknown)) if unknown else known

    def _tell(self, events: list[Event], owners: dict[str, Owner]) -> None:
        by_request: dict[str, list[Listener]] = defaultdict(list)
        by_sight: dict[Sight, list[Listener]] = defaultdict(list)
        for listener in self._listeners:
            if listener.request_id is not None:
                by_request[listener.request_id].append(listener)
            else:
                by_sight[listener.sight].append(listener)
        slow: set[Listener] = set()
        for event in events:
            told = list(by_request.get(event.request_id, ()))
            owner = owners.get(event.request_id)
            for sight, listeners in by_sight.items():
                if _sees(sight, owner):
                    told += listeners
            slow.update(one for one in told if not one.tell(event))
        for listener in slow:
            self.leave(listener)

    async def _replay(self, since: str, until: str) -> list[LedgerChange] | None:
        found: list[LedgerChange] = []
        cursor = since
        for _ in range(_REPLAY_PAGES):
            try:
                page, cursor = await self._ledger.changes(cursor, limit=_PAGE)
            except (RejectedInput, Unavailable):
                return None
            for one in page:
                found.append(one)
                if one.cursor == until:
                    return found
            if len(page) < _PAGE:
                return found
        return None

    async def _concerning(
        self, listener: Listener, changes: Iterable[LedgerChange]
    ) -> list[LedgerChange]:
        changes = await self._with_twins(list(changes))
        if listener.request_id is not None:
            return [one for one in changes if one.request_id == listener.request_id]
        owners = await self._states.owners(sorted({one.request_id for one in changes}))
        return [one for one in changes if _sees(listener.sight, owners.get(one.request_id))]


def _sees(sight: Sight, owner: Owner | None) -> bool:
    return owner is not None and sight.covers(
        client_id=owner.client_id, jurisdiction=owner.jurisdiction
    )
