"""What packages need from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from dsr_core.ids import RequestId, SystemId
from dsr_intake.model import Code, CodeLimits, Member
from dsr_intake.model.packages import (
    Hindrance,
    MadePackage,
    Package,
    PackageKey,
    PackageLink,
    PackagesStanding,
    SetAside,
    Setback,
)
from dsr_intake.ports.closing import Decide
from dsr_intake.ports.decisions import Tell
from dsr_wire.envelope import Outgoing

__all__ = [
    "CopyStore",
    "Fetch",
    "ObjectSink",
    "ObjectStore",
    "PackageKeyStore",
    "PackageLinkStore",
    "PackageStore",
    "PartMissing",
    "TellSettled",
]


class PartMissing(Exception):  # noqa: N818 - a fact about the store
    """An object is not there."""


Fetch = Callable[[str, memoryview], Future[int]]
"""Fills a buffer with an object, by its path, and tells how long the object is; of one that is longer than
the buffer nothing need be in it.

It raises `PartMissing` where there is no such object, and `Unavailable` where the store is away.
"""


class ObjectSink(Protocol):
    """Takes an object's bytes, from the first to the last, in memory of its own."""

    def room(self, length: int) -> AbstractContextManager[memoryview]:
        """Give memory for the next so many bytes, 2 MiB at most, to be filled before the context is left.

        They need not be stored before the object is whole.

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


TellSettled = Callable[[Sequence[RequestId], datetime], Sequence[Outgoing]]
"""Says what is told where no erasure waits for the copies of requests any more, from when on."""


class CopyStore(Protocol):
    """Keeps for which copies no erasure waits any more."""

    async def untold(self, *, limit: int) -> list[RequestId]:
        """Return closed requests whose packages are all made and whole, though it was not told."""
        ...

    async def hindrance(self, request_id: RequestId) -> Hindrance | None:
        """Return why the copy of a request cannot be settled now; none where it can."""
        ...

    async def settle(
        self, request_id: RequestId, tell: TellSettled, *, at: datetime, reason: str = ""
    ) -> Hindrance | None:
        """Settle the copy of a request, tell of it, and enter it where a person decides so, in one transaction.

        What is told is told of its duplicates as well, for which there is no other copy.

        Returns:
            Why it is not settled by this, as `hindrance` says it; none where it is.
        """
        ...


class PackageStore(Protocol):
    """Keeps how packages stand."""

    async def claim(
        self, *, at: datetime, lease: timedelta, assembly_id: str, limit: int | None = None
    ) -> Package | None:
        """Give the caller a package that is to be made, as this assembly, until the lease is over.

        Whoever had it before cannot record anything of it any more. With a limit, one for which systems
        have handed over no more bytes than that.

        Each claim counts as a fault until `postpone` or `finish` says otherwise: who dies says nothing.
        """
        ...

    async def exclude(
        self, package: Package, system_id: SystemId, reason: str, tell: Outgoing
    ) -> Package | None:
        """Record that a system's export cannot be used, and what is told of it, in one transaction.

        Returns:
            The package as it is then; none where the claim is another's, and nothing is told.
        """
        ...

    async def hold(self, package: Package, *, until: datetime) -> None:
        """Have the claim last for longer."""
        ...

    async def postpone(self, package: Package, setback: Setback, *, until: datetime) -> None:
        """Have a package tried again later, and count what is held against it.

        What was away is no fault of the package, and ends their row, as a part that is not there does;
        that is counted by itself, anew once an export was left out.
        """
        ...

    async def set_aside(self, package: Package, why: SetAside, *, at: datetime) -> None:
        """Have a package tried no more, until `try_again`."""
        ...

    async def try_again(self, request_id: RequestId, *, at: datetime, reason: str) -> bool:
        """Have the package of a request that was set aside tried again, and enter it, in one transaction.

        Returns:
            Whether there was one.
        """
        ...

    async def finish(
        self,
        package: Package,
        made: MadePackage,
        *,
        decide: Decide,
        tell: Tell,
        at: datetime,
        settled: TellSettled | None = None,
    ) -> bool:
        """Record that a package is made, and what follows for its request and those alike, in one transaction.

        Where it is whole, `settled` tells so; of a partial one nobody is told, nor of one that is settled.

        What follows a partial one are the letters of its request and those that repeat it, where they have
        letters, and nothing else; clients are told of each. Where the
        claim is another's, or the request of a partial one has been closed, nothing changes.

        Returns:
            Whether it was recorded.
        """
        ...

    async def addressee(self, request_id: RequestId) -> Member | None:
        """Return the identity, encrypted, with its key, of whom letters of a request's package go to.

        It is the request's own where it has letters, else that of one with letters that repeats it; none
        where none has, or it is destroyed.
        """
        ...

    async def packages(self, request_id: RequestId) -> list[Package]:
        """Return the packages of a request, the newest first; none where none is wanted."""
        ...

    async def late(self, *, at: datetime, after: RequestId | None, limit: int) -> list[RequestId]:
        """Return open requests that hand over, whose legal date has passed and that have no package, by id."""
        ...

    async def release(
        self, request_id: RequestId, ledger: str, *, at: datetime, reason: str = ""
    ) -> bool:
        """Want a partial package, and enter it where a person decides so, in one transaction.

        Returns:
            Whether it is wanted from now on: not where the request is not open, or has a package.
        """
        ...

    async def over(self, *, at: datetime, unused_since: datetime, limit: int) -> list[RequestId]:
        """Return requests whose packages have all expired, or that have ended without one and still have a key.

        A partial one keeps the key while its request is open, since the supplement needs it.
        """
        ...

    async def destroy(self, request_id: RequestId) -> None:
        """Destroy the key of a request's package, its links and address, and record that it has expired.

        In one transaction; safe to repeat.
        """
        ...

    async def standing(self) -> PackagesStanding:
        """Return how many packages are to be made, and how many are set aside."""
        ...


class PackageLinkStore(Protocol):
    """Keeps links to packages, their codes, and who has opened them."""

    async def add(
        self, link: PackageLink, token_hash: bytes, *, has_letter: bool, reason: str
    ) -> None:
        """Keep a link, with a letter that brings it where it has one; one of that number stays."""
        ...

    async def found(self, token_hash: bytes) -> PackageLink | None:
        """Return the link of a token; none where there is none."""
        ...

    async def issue(
        self, link: PackageLink, code: Code, *, limits: CodeLimits, at: datetime
    ) -> bool:
        """Make a code the newest of a link, and write its letter, in one statement.

        Returns:
            Whether it was: not sooner than the pause after the one before, and so many a link.
        """
        ...

    async def attempt(self, link: PackageLink, *, limits: CodeLimits, at: datetime) -> Code | None:
        """Count a try; return the code to compare with, or none where none may be tried."""
        ...

    async def open(
        self,
        link: PackageLink,
        session_hash: bytes,
        *,
        until: datetime,
        at: datetime,
        limit: int,
        age_key: str | None,
    ) -> bool:
        """Use the code up, and let a session in until a time, with its key; at most so many a link."""
        ...

    async def is_open(self, link: PackageLink, session_hash: bytes, *, at: datetime) -> bool:
        """Tell whether a session is let in."""
        ...

    async def record(self, link: PackageLink, action: str, reason: str) -> None:
        """Enter in the audit log what a requester, or whoever has the link, has done with it."""
        ...

    async def revoke(self, request_id: RequestId, *, reason: str, at: datetime) -> int:
        """Revoke the links of a request that are not, and enter it; return how many there were.

        What is on its way to a callback for it is not sent on.
        """
        ...

    async def links(self, request_id: RequestId) -> list[PackageLink]:
        """Return the links of a request, the newest first."""
        ...
