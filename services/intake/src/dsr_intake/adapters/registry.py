"""The registry topic, held in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from dsr_core.errors import Unavailable
from dsr_core.law.rules import Rules
from dsr_core.registry import Registry
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.registry_book import RegistryBook

__all__ = ["PublishedRegistries"]

FoundT = TypeVar("FoundT")


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

    @property
    def current_rules(self) -> Rules | None:
        """The newest version of the rules; none before the first."""
        return self._book.current_rules

    async def version(self, digest: str) -> Registry:
        """Return a version, waiting for it."""
        return await self._arrived(
            lambda: self._book.version(digest),
            f"the registry version {digest[:64]} has not arrived here",
        )

    async def rules(self, digest: str) -> Rules:
        """Return a version of the rules, waiting for it."""
        return await self._arrived(
            lambda: self._book.rules(digest), f"the rules {digest[:64]} have not arrived here"
        )

    def since(self, digest: str) -> Sequence[PublishedRegistry]:
        """Return the versions that were published after one, the oldest first."""
        return self._book.since(digest)

    def holder(self, system_id: str) -> Registry | None:
        """Return the newest version that has a system, or none."""
        return self._book.holder(system_id)

    async def keys(self, system_id: str) -> SystemPublicKeys:
        """Return the newest keys of a system, waiting for the first."""
        return await self._arrived(
            lambda: self._book.keys(system_id),
            f"no keys are registered for the system {system_id}",
        )

    async def _arrived(self, find: Callable[[], FoundT | None], complaint: str) -> FoundT:
        found = find()
        if found is None:
            await self._topic.wait_until(lambda: find() is not None, self._wait_s)
            found = find()
        if found is None:
            raise Unavailable(complaint)
        return found
