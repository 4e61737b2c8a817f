"""The port to the object store that exports are brought to. `object_store` is the real one."""

from __future__ import annotations

from typing import Protocol

from dsr_core.errors import Unavailable

__all__ = ["ExportStore", "StoreAway"]


class StoreAway(Unavailable):
    """The object store cannot be reached, or takes nothing at the moment."""


class ExportStore(Protocol):
    """Takes objects and shows none: whoever can write here need not be able to read."""

    async def put(self, path: str, content: bytes | memoryview) -> None:
        """Store an object, in the place of one that lies there; return once it is stored as a whole.

        The content is the caller's again once this has returned.

        Raises:
            StoreAway: It could not be; nobody sees a part of it.
        """
