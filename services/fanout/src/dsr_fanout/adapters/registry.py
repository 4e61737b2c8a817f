"""Registry versions, in memory, followed on dsr.registry.v1."""

from __future__ import annotations

import structlog
from aiokafka import ConsumerRecord

from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.registry import Registry
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.registry_book import RegistryBook
from dsr_wire.topics import REGISTRY

__all__ = ["PublishedRegistries"]

log = structlog.get_logger(__name__)

_WAIT_S = 5.0
"""How long a step waits for a version; then its workflow asks again, from a timer."""


class PublishedRegistries:
    """The port `Registries`, over the compacted topic."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._book = RegistryBook()
        self.topic = CompactedTopic(connection, REGISTRY.name, self._read)

    async def version(self, digest: str) -> Registry:
        """Return a version of the registry."""
        found = self._book.version(digest)
        if found is None:
            await self.topic.wait_until(lambda: self._book.version(digest) is not None, _WAIT_S)
            found = self._book.version(digest)
        if found is None:
            raise Unavailable(f"registry version {digest[:16]} has not been published here")
        return found

    def _read(self, record: ConsumerRecord) -> None:
        try:
            self._book.read(record.value, record.headers)
        except RejectedInput as fault:
            # Operators publish it and see the fault there; what was in force stays in force.
            log.warning("a registry record is refused", reason=fault.reason, offset=record.offset)
