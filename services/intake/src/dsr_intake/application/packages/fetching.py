"""Fetching: any range of a package, decrypted a piece at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.ids import RequestId
from dsr_intake.application.packages.age_file import AgeFile
from dsr_intake.application.packages.assembling import package_path
from dsr_intake.application.packages.keys import PackageKeys
from dsr_intake.application.packages.pieces import PieceCipher, decrypted, derived
from dsr_intake.model.packages import Package, PackageState
from dsr_intake.ports import ObjectStore, PackageStore

__all__ = ["Content", "Fetching", "Part", "part_of"]

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Part(NamedTuple):
    """Bytes of a package, from the first to before the last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Content:
    """A package that can be read, under a recipient's key of age where it has one."""

    package: Package
    cipher: PieceCipher
    objects: ObjectStore
    age_file: AgeFile | None = None
    recipient: str = ""

    @property
    def size(self) -> int:
        """Of what is read."""
        return self.age_file.size if self.age_file else self.package.size

    @property
    def tag(self) -> str:
        """Names these bytes: another package has another, and the same for somebody else."""
        return f'"{self.package.assembly}{self.recipient and "/" + self.recipient}"'

    def read(self, part: Part) -> Iterator[bytes]:
        """Yield a part, a piece at a time; blocking.

        Raises:
            RejectedInput: A piece is not what was written.
            Unavailable: The store is away.
        """
        if self.age_file is None:
            return self._clear(part.start, part.end)
        return self.age_file.range(part.start, part.end, self._clear)

    def _clear(self, start: int, end: int) -> Iterator[bytes]:
        path = package_path(self.package.request_id, self.package.assembly)

        def get(first: int, last: int) -> bytes:
            return self.objects.range(path, first, last)

        return decrypted(self.cipher, self.package.size, start, end, get)


class Fetching:
    """Opens packages."""

    def __init__(self, *, store: PackageStore, keys: PackageKeys, objects: ObjectStore) -> None:
        self._store = store
        self._keys = keys
        self._objects = objects

    async def content(
        self, request_id: RequestId, number: int | None = None, *, age_key: str | None = None
    ) -> Content:
        """Return a package of a request: by its number, or the newest that is ready.

        With a key of age, which has been checked, it is the file that the package is for its owner.

        Raises:
            RuleViolation: There is none that can be fetched.
            Unavailable: The ring or the database is away.
        """
        ready = (
            one
            for one in await self._store.packages(request_id)
            if one.state is PackageState.READY and number in (None, one.number)
        )
        package = next(ready, None)
        key = await self._keys.private(request_id)
        if package is None or key is None:
            raise RuleViolation("no_package", "the request has no package that can be fetched")
        cipher = PieceCipher(key, request_id=request_id, assembly_id=package.assembly)
        if age_key is None:
            return Content(package, cipher, self._objects)

        def secret(purpose: str) -> bytes:
            return derived(key, request_id, f"age/{package.assembly}/{age_key}/{purpose}")

        file = AgeFile(secret, age_key, package.size)
        return Content(package, cipher, self._objects, file, age_key)


def part_of(asked: str | None, size: int) -> Part | None:
    """Return the part that a Range header (RFC 9110, 14.2) asks for; none where it asks for all.

    One range of bytes is understood; anything else is ignored, as the RFC allows.

    Raises:
        RejectedInput: There is no such part.
    """
    match = _RANGE.fullmatch(asked or "")
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= size or end <= start:
        raise RejectedInput("range_refused", "the package has no such bytes", field="Range")
    return Part(start, end)
