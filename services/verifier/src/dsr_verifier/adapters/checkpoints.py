"""The checkpoints that have been published, followed on their topic."""

from __future__ import annotations

from collections.abc import Callable

from aiokafka import ConsumerRecord

from dsr_contracts.v1 import checkpoints_pb2
from dsr_core.errors import Unavailable
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.checkpoints import checkpoint_from_wire
from dsr_wire.envelope import decode
from dsr_wire.log.checkpoints import Checkpoint
from dsr_wire.topics import CHECKPOINTS

__all__ = ["PublishedCheckpoints"]

_LAST = 1000
"""The newest is always there, and so are some hundred before it, which its own compaction spares."""


class PublishedCheckpoints:
    """A Published that follows dsr.checkpoints.v1. Who may write there is Kafka's to say."""

    def __init__(
        self, connection: KafkaConnection, origin: str, *, rejected: Callable[[str], None]
    ) -> None:
        self._origin = origin
        self._largest: dict[bytes, Checkpoint] = {}
        self.topic = CompactedTopic(
            connection, CHECKPOINTS.name, self._read, rejected=rejected, last=_LAST
        )

    async def largest(self) -> tuple[Checkpoint, ...]:
        """Return the largest; none before the first, and several where one size has several roots."""
        try:
            await self.topic.ping()
        except RuntimeError as error:
            raise Unavailable(str(error)) from error
        return tuple(self._largest.values())

    def _read(self, record: ConsumerRecord) -> None:
        message = decode(record.value, record.headers, checkpoints_pb2.CheckpointSigned)
        checkpoint, _ = checkpoint_from_wire(message)
        if checkpoint.origin != self._origin:
            return
        size = max((one.size for one in self._largest.values()), default=-1)
        if checkpoint.size > size:
            self._largest.clear()
        if checkpoint.size >= size:
            self._largest[checkpoint.root] = checkpoint
