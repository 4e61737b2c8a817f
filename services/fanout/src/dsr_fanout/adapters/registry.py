"""Registry versions, in memory, followed on dsr.registry.v1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsr_core.errors import Unavailable
from dsr_core.registry import Registry
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.registry_book import RegistryBook
from dsr_wire.topics import REGISTRY

__all__ = ["PublishedRegistries"]

_WAIT_S = 5.0
"""How long a step waits for a version; then its workflow asks again, from a timer."""


class PublishedRegistries:
    """The port `Registries`, over the compacted topic."""

    def __init__(self, connection: KafkaConnection, *, rejected: Callable[[str], None]) -> None:
        self._book = book = RegistryBook()
        self.topic = CompactedTopic(
            connection,
            REGISTRY.name,
            lambda record: book.read(record.value, record.headers),
            rejected=rejected,
        )

    async def newest(self) -> PublishedRegistry:
        """Return the newest version of the registry."""
        if self._book.newest is None:
            await self.topic.wait_until(lambda: self._book.newest is not None, _WAIT_S)
        if self._book.newest is None:
            raise Unavailable("no registry version has been published here")
        return self._book.newest

    def since(self, digest: str) -> Sequence[PublishedRegistry]:
        """Return the versions that were published after one, the oldest first."""
        return self._book.since(digest)

    def holder(self, system_id: str) -> Registry | None:
        """Return the newest version that has a system."""
        return self._book.holder(system_id)

    async def changed(self, since: str, *, within_s: float) -> str | None:
        """Wait for another newest version than one; return its digest, or none in that time."""
        if not await self.topic.wait_until(lambda: self._digest() not in {"", since}, within_s):
            return None
        return self._digest()

    def _digest(self) -> str:
        return self._book.newest.registry.digest if self._book.newest else ""

    async def version(self, digest: str) -> Registry:
        """Return a version of the registry."""
        found = self._book.version(digest)
        if found is None:
            await self.topic.wait_until(lambda: self._book.version(digest) is not None, _WAIT_S)
            found = self._book.version(digest)
        if found is None:
            raise Unavailable(f"registry version {digest[:16]} has not been published here")
        return found
