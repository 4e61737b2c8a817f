"""Object stores as a group may have them, a folder or a bucket, and how each of them can be away."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from support.faults import no_folder
from support.object_store import BreakingWay, S3Server

__all__ = ["BucketStore", "FolderStore", "Store"]


class Store(ABC):
    """A store that intake is told of."""

    url: str
    variables: dict[str, str]
    """What else a process is told that uses it."""

    folder: Path
    """Where each object lies, as a file."""

    lost_says: str
    """What is said where it is lost."""

    @abstractmethod
    def away(self) -> AbstractAsyncContextManager[None]:
        """Have it out of reach meanwhile."""

    @asynccontextmanager
    async def lost(self) -> AsyncIterator[None]:
        """Have it reached meanwhile, with nothing in it: a folder that is not mounted, a bucket that is none."""
        lost = self._root.with_name(f"{self._root.name}-lost")
        self._root.rename(lost)
        try:
            yield
        finally:
            lost.rename(self._root)

    @property
    @abstractmethod
    def _root(self) -> Path: ...


class FolderStore(Store):
    """A folder."""

    lost_says = "has none of its folders"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = folder.as_uri()
        self.variables = {}

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Have a file in its place meanwhile."""
        with no_folder(self.folder):
            yield

    @property
    def _root(self) -> Path:
        return self.folder


class BucketStore(Store):
    """A bucket of a real S3 server, by a way that can break."""

    lost_says = "404 NoSuchBucket"

    def __init__(self, server: S3Server, way: BreakingWay) -> None:
        self.server, self.way = server, way
        self.folder = server.bucket / "store"
        self.variables = server.environment(way.port)
        self.url = self.variables.pop("DSR_STORE_URL")

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Have nobody listen meanwhile."""
        await self.server.stop()
        try:
            yield
        finally:
            await self.server.start()

    @asynccontextmanager
    async def refusing(self) -> AsyncIterator[None]:
        """Have everybody refused meanwhile, as after a change of credentials."""
        secret = self.server.secret
        await self.server.stop()
        self.server.secret = "changed"
        await self.server.start()
        try:
            yield
        finally:
            await self.server.stop()
            self.server.secret = secret
            await self.server.start()

    @asynccontextmanager
    async def hanging(self) -> AsyncIterator[None]:
        """Have it take calls meanwhile and answer none."""
        self.server.halt(halted=True)
        try:
            yield
        finally:
            self.server.halt(halted=False)

    @property
    def _root(self) -> Path:
        return self.server.bucket
