"""An object store in memory, and what was handed over to it, read as whoever makes the package reads it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.exports import ExportedFile
from dsr_sdk.access.store import StoreAway
from dsr_wire.exports import ExportKey, Stream, file_from_line, part_path, part_sizes
from dsr_wire.sealing_keys import PrivateSealingKey

__all__ = ["HandedOver", "MemoryStore", "read_export"]


class MemoryStore:
    """Objects by path. Everything in it is encrypted."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []
        """The path of each object that was brought, in order; one that was brought twice stands twice."""

        self.is_away = False
        """Set it to have every call raise `StoreAway`."""

        self.away_after: int | None = None
        """After so many more objects the store is away."""

    async def put(self, path: str, content: bytes | memoryview) -> None:
        """Store an object, as the port says."""
        if self.away_after == 0:
            self.is_away, self.away_after = True, None
        if self.is_away:
            raise StoreAway("the object store is away")
        if self.away_after is not None:
            self.away_after -= 1
        self.puts.append(path)
        self.objects[path] = bytes(content)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One export, opened."""

    index: tuple[ExportedFile, ...]
    files: dict[str, bytes]
    """The content of each file, by name."""

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table."""
        return [json.loads(line) for line in self.files[f"{table}.jsonl"].splitlines()]


def read_export(
    objects: dict[str, bytes], answer: Acknowledgement, package_key: PrivateSealingKey
) -> HandedOver:
    """Open what an answer refers to, and check every digest on the way.

    Raises:
        AssertionError: The answer refers to nothing, or a digest is another.
    """
    delivery = answer.delivery
    if delivery is None:
        raise AssertionError(f"the answer {answer.disposition} hands nothing over")
    key = ExportKey.unsealed(
        delivery.sealed_key,
        package_key,
        request_id=answer.request_id,
        system_id=answer.system_id,
        export_id=delivery.export_id,
    )

    place = partial(part_path, answer.request_id, answer.system_id, delivery.export_id)

    def stream(which: Stream, size: int) -> bytes:
        numbers = range(len(list(part_sizes(size))))
        return b"".join(key.decrypt(which, one, objects[place(which, one)]) for one in numbers)

    data = stream(Stream.DATA, delivery.size)
    index = stream(Stream.INDEX, delivery.index_size)
    found = tuple(file_from_line(line) for line in index.splitlines(keepends=True))
    is_whole = hashlib.sha256(index).digest() == delivery.index_digest
    if not is_whole or len(found) != delivery.files or len(data) != delivery.size:
        raise AssertionError("the index is not what the answer says")
    files: dict[str, bytes] = {}
    start = 0
    for one in found:
        content = data[start : start + one.size]
        start += one.size
        if hashlib.sha256(content).hexdigest() != one.sha256:
            raise AssertionError(f"{one.name} is not what the index says")
        files[one.name] = content
    if start != len(data):
        raise AssertionError("the data is longer than the index says")
    return HandedOver(found, files)
