"""Exports as systems hand them over, in a folder; and packages as people unpack them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsr_core.exports import PART_BYTES, Delivery, ExportedFile
from dsr_core.ids import RequestId, SystemId
from dsr_intake.adapters.object_store import Objects
from dsr_intake.application.packages.pieces import PieceCipher, decrypted, stored_size
from dsr_wire.exports import ExportKey, Stream, line_of, part_path
from dsr_wire.sealing_keys import PrivateSealingKey, SealingKey
from support.builders import an_id

__all__ = ["Handed", "hand_over", "lines", "opened_package", "unzipped"]


@dataclass(frozen=True)
class Handed:
    """A file that is to be handed over, told as it is unless a test says otherwise."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"
    records: int | None = None
    changes: tuple[tuple[str, Any], ...] = ()

    @property
    def told(self) -> ExportedFile:
        """What the index says of it."""
        one = ExportedFile(
            name=self.name,
            media_type=self.media_type,
            size=len(self.content),
            sha256=hashlib.sha256(self.content).hexdigest(),
            categories=("user.contact",),
            records=self.records,
        )
        return replace(one, **dict(self.changes))


def lines(name: str, rows: Sequence[dict[str, Any]]) -> Handed:
    """A table of records."""
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return Handed(f"{name}.jsonl", content, "application/jsonl", len(rows))


def hand_over(
    folder: Path,
    public_key: bytes,
    handed: Iterable[Handed],
    /,
    *,
    request_id: RequestId,
    system_id: SystemId,
    export: int = 1,
    **changes: Any,
) -> Delivery:
    """Write an export as the SDK does, small enough for memory; return the reference to it."""
    export_id = an_id(export)
    key = ExportKey.generate(request_id=request_id, system_id=system_id, export_id=export_id)
    index, data, count = bytearray(), bytearray(), 0
    for file in handed:
        index += line_of(file.told)
        data += file.content
        count += 1
    for stream, content in ((Stream.DATA, data), (Stream.INDEX, index)):
        for number, start in enumerate(range(0, len(content), PART_BYTES)):
            path = folder / part_path(request_id, system_id, export_id, stream, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = bytes(content[start : start + PART_BYTES])
            path.write_bytes(key.encrypt(stream, number, part))
    delivery = Delivery(
        export_id=export_id,
        sealed_key=key.sealed(SealingKey(public_key)),
        size=len(data),
        index_size=len(index),
        index_digest=hashlib.sha256(index).digest(),
        files=count,
    )
    return replace(delivery, **changes)


def opened_package(
    objects: Objects, path: str, size: int, key: PrivateSealingKey, request_id: RequestId
) -> bytes:
    """Return a package in the clear, whole."""
    cipher = PieceCipher(key, request_id=request_id, assembly_id=path.split("/", 2)[2])
    assert len(objects.range(path, 0, stored_size(size) + 1)) == stored_size(size)

    def get(start: int, end: int) -> bytes:
        return objects.range(path, start, end)

    return b"".join(decrypted(cipher, size, 0, size, get))


def unzipped(content: bytes) -> dict[str, bytes]:
    """Return what is in a package, every sum checked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {one: archive.read(one) for one in archive.namelist()}
