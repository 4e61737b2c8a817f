"""Reading what a system has handed over: part by part, and checked against its index.

Blocking: it runs in a thread. Nothing here holds more than a part or two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import NamedTuple

from dsr_core.errors import RejectedInput
from dsr_core.exports import PART_BYTES, Delivery, ExportedFile
from dsr_core.ids import RequestId, SystemId
from dsr_intake.application.packages.naming import fitting, folders, unlike
from dsr_intake.ports import Fetch
from dsr_wire.exports import ExportKey, Stream, file_from_line, part_path, part_sizes
from dsr_wire.exports.index import LINE_LIMIT
from dsr_wire.exports.parts import TAG_BYTES
from dsr_wire.sealing_keys import PrivateSealingKey

__all__ = ["ExportReader", "PartMemory"]


class _Coming(NamedTuple):
    """A part that is fetched."""

    number: int
    stored: memoryview
    """What it is fetched into."""

    size: Future[int]


class PartMemory:
    """Memory for the parts of data, of one export after another: the kernel takes its time to give new."""

    def __init__(self) -> None:
        self._all = [memoryview(b"")] * 3

    def take(self, longest: int) -> list[memoryview]:
        """Return room for one part in the clear and for two as they lie in the store, as others had it."""
        if len(self._all[0]) < longest:
            lengths = (longest, longest + TAG_BYTES, longest + TAG_BYTES)
            self._all = [memoryview(bytearray(length)) for length in lengths]
        return self._all


class ExportReader:
    """Reads one export."""

    def __init__(
        self,
        delivery: Delivery,
        package_key: PrivateSealingKey,
        *,
        request_id: RequestId,
        system_id: SystemId,
        fetch: Fetch,
        memory: PartMemory,
    ) -> None:
        """Open its key.

        Raises:
            RejectedInput: The key was not sealed to this package.
        """
        self._delivery = delivery
        self._request_id = request_id
        self._system_id = system_id
        self._fetch = fetch
        self._memory = memory
        self._key = ExportKey.unsealed(
            delivery.sealed_key,
            package_key,
            request_id=request_id,
            system_id=system_id,
            export_id=delivery.export_id,
        )

    def files(self) -> Iterator[ExportedFile]:
        """Yield what the index tells of, in order.

        Raises:
            RejectedInput: The index is not the one whose digest the system has signed, or not one that
                can be followed: names that cannot be, or another number or size than was said. It is
                raised at the end at the latest: believe nothing before.
        """
        hashed = hashlib.sha256()
        names, above = set[bytes](), set[bytes]()
        total = 0
        for line in self._lines(hashed.update):
            one = file_from_line(line)
            name = fitting(one.name)
            names.add(unlike(name))
            above.update(map(unlike, folders(name)))
            total += one.size
            if len(names) > self._delivery.files:
                break
            yield one
        if hashed.digest() != self._delivery.index_digest:
            raise RejectedInput("wrong_digest", "the index is not the one that was signed for")
        if len(names) != self._delivery.files or total != self._delivery.size:
            detail = "the index names other files, or another size, than was said; or a name twice"
            raise RejectedInput("wrong_index", detail)
        if names & above:
            raise RejectedInput("wrong_index", "a file has the name of another's folder")

    def data(self) -> Iterator[memoryview]:
        """Yield the data, its files one after another, a part at a time.

        A part is good until the next is asked for, which takes its memory.
        """
        yield from self._parts(Stream.DATA, self._delivery.size, self._memory)

    def _lines(self, take: Callable[[memoryview], object]) -> Iterator[bytes]:
        held = b""
        for part in self._parts(Stream.INDEX, self._delivery.index_size, PartMemory()):
            take(part)
            *lines, held = (held + part).split(b"\n")
            yield from (line + b"\n" for line in lines)
            if len(held) > LINE_LIMIT:
                raise RejectedInput("invalid_index", f"a line has more than {LINE_LIMIT} bytes")
        if held:
            raise RejectedInput("invalid_index", "the last line has no end")

    def _parts(self, stream: Stream, size: int, memory: PartMemory) -> Iterator[memoryview]:
        clear, arriving, other = memory.take(min(size, PART_BYTES))
        coming: _Coming | None = None
        for number, length in enumerate(part_sizes(size)):
            path = part_path(
                self._request_id, self._system_id, self._delivery.export_id, stream, number
            )
            stored = arriving[: length + TAG_BYTES]
            following = _Coming(number, stored, self._fetch(path, stored))
            if coming is not None:
                yield self._part(stream, coming, clear)
            coming = following
            arriving, other = other, arriving
        if coming is not None:
            yield self._part(stream, coming, clear)

    def _part(self, stream: Stream, coming: _Coming, clear: memoryview) -> memoryview:
        if coming.size.result() != len(coming.stored):
            detail = f"part {coming.number} of the {stream} has another length than was said"
            raise RejectedInput("wrong_length", detail)
        part = clear[: len(coming.stored) - TAG_BYTES]
        self._key.decrypt_into(stream, coming.number, coming.stored, part)
        return part
