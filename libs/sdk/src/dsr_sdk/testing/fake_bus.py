"""A bus in memory. It passes the contract suite of the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from zlib import crc32

from dsr_core.errors import Unavailable
from dsr_sdk.bus import Record
from dsr_wire.envelope import Outgoing

__all__ = ["FakeBroker", "FakeBus"]


class FakeBroker:
    """Topics and committed offsets, shared by the buses that are connected to it.

    Topics exist once they are named. A group has one member: the last that started.
    """

    def __init__(self, *, partitions: int = 3) -> None:
        self.is_away = False
        """Set it to have every call raise `Unavailable`."""

        self._partitions = partitions
        self._logs: dict[tuple[str, int], list[Record]] = {}
        self._committed: dict[tuple[str, str, int], int] = {}
        self._news = asyncio.Event()

    def records(self, topic: str) -> list[Record]:
        """Return what lies in a topic, partition by partition."""
        return [
            record
            for number in range(self._partitions)
            for record in self._logs.get((topic, number), ())
        ]

    def committed(self, group_id: str, topic: str) -> int:
        """Return how many records of a topic a group has handled."""
        numbers = range(self._partitions)
        return sum(self._committed.get((group_id, topic, number), 0) for number in numbers)

    def append(self, one: Outgoing) -> Record:
        """Store a record, in the partition that its key names."""
        partition = crc32(one.key) % self._partitions
        log = self._logs.setdefault((one.topic, partition), [])
        record = Record(one.topic, partition, len(log), one.key, one.value, tuple(one.headers))
        log.append(record)
        self._news.set()
        return record

    def read(self, place: tuple[str, int], start: int, limit: int) -> list[Record]:
        """Return records of a partition from an offset on."""
        return self._logs.get(place, [])[start : start + limit]

    def places(self, topics: Sequence[str]) -> list[tuple[str, int]]:
        """Return the partitions of topics."""
        return [(topic, number) for topic in topics for number in range(self._partitions)]

    def position(self, group_id: str, place: tuple[str, int]) -> int:
        """Return where a group goes on in a partition."""
        return self._committed.get((group_id, *place), 0)

    def commit(self, group_id: str, record: Record) -> None:
        """Mark a record and those before it as handled by a group."""
        place = (group_id, record.topic, record.partition)
        self._committed[place] = max(self._committed.get(place, 0), record.offset + 1)

    async def wait_for_news(self) -> None:
        """Return when a record has come since the last look."""
        self._news.clear()
        await self._news.wait()

    def check(self) -> None:
        """Raise `Unavailable` while the broker is away."""
        if self.is_away:
            raise Unavailable("the broker is away")


class FakeBus:
    """One member of one group at a broker in memory."""

    def __init__(self, broker: FakeBroker | None = None) -> None:
        self.broker = broker or FakeBroker()
        self._group_id: str | None = None
        self._positions: dict[tuple[str, int], int] = {}

    async def start(self, topics: Sequence[str], group_id: str) -> None:
        """Join, as the port says."""
        self.broker.check()
        self._group_id = group_id
        self._positions = {
            place: self.broker.position(group_id, place) for place in self.broker.places(topics)
        }

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:  # noqa: ASYNC109 - see the port
        """Return the next records, as the port says."""
        found = self._take(limit)
        if found:
            return found
        try:
            async with asyncio.timeout(timeout):
                await self.broker.wait_for_news()
        except TimeoutError:
            return ()
        return self._take(limit)

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Store the records, as the port says."""
        self._check()
        for one in records:
            self.broker.append(one)

    async def commit(self, records: Sequence[Record]) -> None:
        """Mark the records as handled, as the port says."""
        group_id = self._check()
        for one in records:
            self.broker.commit(group_id, one)

    async def stop(self) -> None:
        """Leave, as the port says."""
        self._group_id = None

    def _check(self) -> str:
        self.broker.check()
        if self._group_id is None:
            raise Unavailable("the bus is stopped")
        return self._group_id

    def _take(self, limit: int) -> list[Record]:
        self._check()
        found: list[Record] = []
        for place, start in self._positions.items():
            records = self.broker.read(place, start, limit - len(found))
            self._positions[place] = start + len(records)
            found.extend(records)
        return found
