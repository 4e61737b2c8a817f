"""The port to the message bus. `kafka_bus` is the real one, `testing.FakeBus` stands in for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dsr_wire.envelope import Headers, Outgoing

__all__ = ["Bus", "Record"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Bus(Protocol):
    """A member of one consumer group that also sends.

    Every method raises `dsr_core.errors.Unavailable` where the bus is away; then the caller stops
    the bus, waits, and starts it again. Records that were polled and not committed come again.
    """

    async def start(self, topics: Sequence[str], group_id: str) -> None:
        """Connect, join the group and return once partitions are assigned.

        A group that never committed begins with the earliest record. A bus that was stopped can be
        started again.
        """

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:  # noqa: ASYNC109 - Kafka's poll has one: it returns nothing, it does not fail
        """Return the next records, at most `limit`, or none after `timeout` seconds.

        Records of one partition come in order. Cancelling the call loses no record.
        """

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Send the records; return after the broker has stored all of them."""

    async def commit(self, records: Sequence[Record]) -> None:
        """Mark these records and all before them in their partitions as handled.

        Where the group has given a partition to another member meanwhile, nothing happens and the
        records come again there.
        """

    async def stop(self) -> None:
        """Leave the group and disconnect; stopping twice, or before a start, does nothing."""
