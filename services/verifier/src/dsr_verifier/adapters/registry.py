"""The registry book, fed from its topic."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from aiokafka import ConsumerRecord

from dsr_core.errors import RejectedInput
from dsr_core.registry import Registry
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.registry_book import RegistryBook
from dsr_wire.topics import REGISTRY

__all__ = ["KafkaRegistry"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class KafkaRegistry:
    """A RegistryView that follows dsr.registry.v1."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._book = RegistryBook()
        self.topic = CompactedTopic(connection, REGISTRY.name, self._read)

    def version(self, digest: str) -> Registry | None:
        """Return a version, or none while it has not arrived."""
        return self._book.version(digest)

    def keys(self, system_id: str) -> SystemPublicKeys | None:
        """Return a system's keys, or none while they have not arrived."""
        return self._book.keys(system_id)

    def is_current(self, system_id: str) -> bool:
        """Tell whether the newest version has such a system."""
        current = self._book.current
        return current is not None and current.system(system_id) is not None

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until what has arrived meets a condition; false when the time is up."""
        return await self.topic.wait_until(condition, timeout_s)

    def _read(self, record: ConsumerRecord) -> None:
        try:
            self._book.read(record.value, record.headers)
        except RejectedInput as fault:
            log.warning(
                "a registry record is refused",
                reason=fault.reason,
                offset=record.offset,
                topic=REGISTRY.name,
            )
