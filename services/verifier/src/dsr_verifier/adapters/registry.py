"""The registry book, fed from its topic."""

from __future__ import annotations

from collections.abc import Callable

from dsr_core.registry import Registry, System
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.registry_book import RegistryBook
from dsr_wire.topics import REGISTRY

__all__ = ["KafkaRegistry"]


class KafkaRegistry:
    """A RegistryView that follows dsr.registry.v1."""

    def __init__(self, connection: KafkaConnection, *, rejected: Callable[[str], None]) -> None:
        self._book = book = RegistryBook()
        self.topic = CompactedTopic(
            connection,
            REGISTRY.name,
            lambda record: book.read(record.value, record.headers),
            rejected=rejected,
        )

    def version(self, digest: str) -> Registry | None:
        """Return a version, or none while it has not arrived."""
        return self._book.version(digest)

    def keys(self, system_id: str) -> SystemPublicKeys | None:
        """Return a system's keys, or none while they have not arrived."""
        return self._book.keys(system_id)

    def is_current(self, system_id: str) -> bool:
        """Tell whether the newest version has such a system."""
        return self.newest(system_id) is not None

    def newest(self, system_id: str) -> System | None:
        """Return a system as the newest version has it, or none where it has not."""
        current = self._book.current
        return current.system(system_id) if current is not None else None

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until what has arrived meets a condition; false when the time is up."""
        return await self.topic.wait_until(condition, timeout_s)
