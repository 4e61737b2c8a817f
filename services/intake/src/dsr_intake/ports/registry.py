"""The registry and the rules, as they are published. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dsr_core.law.rules import Rules
from dsr_core.registry import Registry
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.keys import SystemPublicKeys

__all__ = [
    "RegistryView",
]


class RegistryView(Protocol):
    """The registry versions, system keys and rules that have been published."""

    @property
    def current(self) -> Registry | None:
        """The newest version; none before the first."""
        ...

    @property
    def current_rules(self) -> Rules | None:
        """The newest version of the rules; none before the first."""
        ...

    async def rules(self, digest: str) -> Rules:
        """Return a version of the rules, waiting a bounded time for it.

        Raises:
            Unavailable: It has not arrived.
        """
        ...

    async def version(self, digest: str) -> Registry:
        """Return a version, waiting a bounded time for it.

        Raises:
            Unavailable: It has not arrived.
        """
        ...

    def since(self, digest: str) -> Sequence[PublishedRegistry]:
        """Return the versions that were published after one, the oldest first."""
        ...

    def holder(self, system_id: str) -> Registry | None:
        """Return the newest version that has a system, or none."""
        ...

    async def keys(self, system_id: str) -> SystemPublicKeys:
        """Return the newest keys of a system, waiting a bounded time for the first.

        Raises:
            Unavailable: None have arrived; the text names the system.
        """
        ...
