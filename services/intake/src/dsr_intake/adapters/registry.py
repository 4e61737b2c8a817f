"""The registry topic, held in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dsr_core.errors import Unavailable
from dsr_core.registry import Registry
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.registry_book import RegistryBook

__all__ = ["PublishedRegistries"]


class _Topic(Protocol):
    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool: ...


class PublishedRegistries:
    """What has been published so far, and a bounded wait for what a caller knows of earlier."""

    def __init__(self, book: RegistryBook, topic: _Topic, *, wait_s: float = 2.0) -> None:
        self._book = book
        self._topic = topic
        self._wait_s = wait_s

    @property
    def current(self) -> Registry | None:
        """The newest version; none before the first."""
        return self._book.current

    async def version(self, digest: str) -> Registry:
        """Return a version, waiting for it."""
        found = self._book.version(digest)
        if found is None:
            await self._topic.wait_until(
                lambda: self._book.version(digest) is not None, self._wait_s
            )
            found = self._book.version(digest)
        if found is None:
            raise Unavailable(f"the registry version {digest[:64]} has not arrived here")
        return found

    async def keys(self, system_id: str) -> SystemPublicKeys:
        """Return the newest keys of a system, waiting for the first."""
        found = self._book.keys(system_id)
        if found is None:
            await self._topic.wait_until(
                lambda: self._book.keys(system_id) is not None, self._wait_s
            )
            found = self._book.keys(system_id)
        if found is None:
            raise Unavailable(f"no keys are registered for the system {system_id}")
        return found
