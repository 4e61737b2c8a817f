"""What packages need from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from dsr_core.ids import RequestId, SystemId
from dsr_intake.model import Member
from dsr_intake.model.packages import MadePackage, Package, PackageKey
from dsr_intake.ports.closing import Decide
from dsr_intake.ports.decisions import Tell

__all__ = ["Fetch", "ObjectSink", "ObjectStore", "PackageKeyStore", "PackageStore", "PartMissing"]


class PartMissing(Exception):  # noqa: N818 - a fact about the store
    """An object is not there."""


Fetch = Callable[[str, int], Future[bytes]]
"""Fetches an object by its path and how long it is at most; of a longer one a byte more, so that it is seen.

It raises `PartMissing` where there is no such object, and `Unavailable` where the store is away.
"""


class ObjectSink(Protocol):
    """Takes an object's bytes, from the first to the last."""

    def write(self, buffer: bytes, /) -> object:
        """Take some bytes; they need not be stored before the object is whole.

        Raises:
            Unavailable: The store is away, or full.
        """
        ...


class ObjectStore(Protocol):
    """The object store. Its calls block: they are made in threads."""

    def reading(self) -> AbstractContextManager[Fetch]:
        """Give what fetches whole objects while the caller does something else."""
        ...

    def range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes of an object from a place to before another.

        Raises:
            PartMissing: There is no such object.
            Unavailable: The store is away.
        """
        ...

    def writing(self, path: str) -> AbstractContextManager[ObjectSink]:
        """Give what takes an object's bytes; it is there, whole, when the context is left without a fault.

        Raises:
            Unavailable: The store is away, or full.
        """
        ...

    def delete_all(self, folder: str) -> int:
        """Delete every object below a folder; return how many there were. Safe to repeat.

        Raises:
            Unavailable: The store is away.
        """
        ...


class PackageKeyStore(Protocol):
    """Keeps the keys of packages, wrapped, apart from everything else."""

    async def public(self, request_ids: Sequence[RequestId]) -> dict[RequestId, bytes]:
        """Return the public keys of those that have one."""
        ...

    async def add(self, keys: Sequence[PackageKey]) -> None:
        """Keep keys; where a request has one already that one stays."""
        ...

    async def key(self, request_id: RequestId) -> PackageKey | None:
        """Return the key of a request's package; none where there is none any more."""
        ...


class PackageStore(Protocol):
    """Keeps how packages stand."""

    async def claim(self, *, at: datetime, lease: timedelta, assembly_id: str) -> Package | None:
        """Give the caller a package that is to be made, as this assembly, until the lease is over.

        Whoever had it before cannot record anything of it any more.
        """
        ...

    async def exclude(self, package: Package, system_id: SystemId, reason: str) -> Package | None:
        """Record that a system's export cannot be used; none where the claim is another's."""
        ...

    async def postpone(self, package: Package, *, until: datetime) -> None:
        """Have a package tried again later."""
        ...

    async def finish(
        self,
        package: Package,
        made: MadePackage,
        *,
        decide: Decide,
        tell: Tell,
        at: datetime,
    ) -> bool:
        """Record that a package is made, and what follows for its request and those alike, in one transaction.

        Where the claim is another's, nothing changes.

        Returns:
            Whether it was recorded.
        """
        ...

    async def member(self, request_id: RequestId) -> Member | None:
        """Return a request's identity, encrypted, with its key; none where it is destroyed."""
        ...

    async def package(self, request_id: RequestId) -> Package | None:
        """Return the package of a request; none where none is wanted."""
        ...

    async def over(self, *, at: datetime, unused_since: datetime, limit: int) -> list[RequestId]:
        """Return requests whose package has expired, or that have ended without one and still have a key."""
        ...

    async def destroy(self, request_id: RequestId) -> None:
        """Destroy the key of a request's package, its links and address, and record that it has expired.

        In one transaction; safe to repeat.
        """
        ...

    async def standing(self) -> tuple[int, datetime | None]:
        """Return how many packages are to be made, and since when the oldest is wanted."""
        ...
