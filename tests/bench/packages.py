"""How fast a package is assembled, beside encryption and SHA-256 of the same bytes, and in what memory.

Run: `.venv/bin/python -m bench.packages [megabytes [film|flat|nested|fractions|numbers]]` from `tests/`.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_core.exports import PART_BYTES, Delivery, ExportedFile, ProtectedField, Protection
from dsr_core.ids import SystemId
from dsr_intake.adapters.object_store import Objects
from dsr_intake.application.packages.assembling import Assembly, SystemAssembly, assemble
from dsr_intake.application.packages.pieces import PIECE_BYTES
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_wire.exports import ExportKey, Stream, line_of, part_path
from dsr_wire.sealing_keys import PrivateSealingKey
from support.builders import NOW, a_request_id, an_id

ROUNDS = 5
REQUEST, SYSTEM = a_request_id(1), SystemId("crm")


PROTECTED = (ProtectedField("*.friend", Protection.THIRD_PARTY),)
"""So that tables are looked at again, however large they are."""

NESTED: dict[str, Any] = {"address": {"street": "Main 1", "zip": "10115"}, "tags": ["a", "b"]}
FRACTIONS: dict[str, Any] = {"share": 0.4111111111111111, "ms": 1732680000000}
NUMBERS: dict[str, Any] = {"order": "4111-1111-1111-1112"}
"""What only looks like a card's number is looked at closely in each record."""

MORE = {"film": {}, "flat": {}, "nested": NESTED, "fractions": FRACTIONS, "numbers": NUMBERS}


def content(kind: str) -> bytes:
    """Return a part's bytes: of a film, or whole records of a table."""
    if kind == "film":
        return os.urandom(PART_BYTES)
    row = {
        "id": 0,
        "of": "3f2b8c0e-5d7a-4e1b-9c6d-8f0a1b2c3d4e",
        "city": "Berlin",
        "text": "x" * 60,
        "cents": 350,
        **MORE[kind],
    }
    rows, left = [], PART_BYTES
    while left > 1000:
        rows.append(orjson.dumps({**row, "id": len(rows)}) + b"\n")
        left -= len(rows[-1])
    rows.append(b'{"text":"%b"}\n' % (b"x" * (left - 12)))
    return b"".join(rows)


def handed_over(folder: Path, key: PrivateSealingKey, parts: int, kind: str) -> Delivery:
    """Write an export of one file, a part at a time."""
    own = ExportKey.generate(request_id=REQUEST, system_id=SYSTEM, export_id=an_id(1))
    part, hashed = content(kind), hashlib.sha256()
    for number in range(parts):
        path = folder / part_path(REQUEST, SYSTEM, an_id(1), Stream.DATA, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(own.encrypt(Stream.DATA, number, part))
        hashed.update(part)
    index = line_of(
        ExportedFile(
            name="film.mp4" if kind == "film" else "table.jsonl",
            media_type="video/mp4" if kind == "film" else "application/jsonl",
            size=parts * PART_BYTES,
            sha256=hashed.hexdigest(),
        )
    )
    path = folder / part_path(REQUEST, SYSTEM, an_id(1), Stream.INDEX, 0)
    path.write_bytes(own.encrypt(Stream.INDEX, 0, index))
    return Delivery(
        export_id=an_id(1),
        sealed_key=own.sealed(key.public),
        size=parts * PART_BYTES,
        index_size=len(index),
        index_digest=hashlib.sha256(index).digest(),
        files=1,
    )


def baseline(size: int) -> float:
    """Return the seconds that encryption and SHA-256 of so many bytes take."""
    cipher, hashed, piece = AESGCM(bytes(32)), hashlib.sha256(), os.urandom(PIECE_BYTES)
    begun = time.process_time()
    for number in range(size // PIECE_BYTES):
        hashed.update(piece)
        cipher.encrypt(number.to_bytes(12, "big"), piece, None)
    return time.process_time() - begun


def assembled(folder: Path, key: PrivateSealingKey, delivery: Delivery, number: int) -> float:
    """Return the seconds that one assembly takes, and leave nothing of it."""
    told = {"id": SYSTEM, "status": "included"}
    assembly = Assembly(
        request_id=REQUEST,
        assembly_id=f"bench-{number}",
        key=key,
        at=NOW,
        told={},
        systems=[
            SystemAssembly(system_id=SYSTEM, told=told, delivery=delivery, protected=PROTECTED)
        ],
        language="en",
    )
    objects = Objects(folder.as_uri())
    begun = time.process_time()
    made = assemble(
        assembly, objects, page=lambda *_: b"", schema=b"", signer=ManifestSigner(bytes(32))
    )
    took = time.process_time() - begun
    (folder / made.path).unlink()
    return took


def main() -> None:
    """Measure in turn, and print the best of each: what else runs on the machine only makes it worse."""
    parts = max(int(sys.argv[1] if len(sys.argv) > 1 else 400) * 10**6 // PART_BYTES, 1)
    kind = sys.argv[2] if len(sys.argv) > 2 else "film"
    key = PrivateSealingKey.generate()
    with tempfile.TemporaryDirectory() as name:
        delivery = handed_over(Path(name), key, parts, kind)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rounds = [
            (assembled(Path(name), key, delivery, number), baseline(delivery.size))
            for number in range(ROUNDS)
        ]
    took, alone = map(min, zip(*rounds, strict=True))
    ratios = [each / whole for whole, each in rounds]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = (
        f"assembly                {delivery.size / took / 1e6:8.0f} MB/s of processor time",
        f"encryption and SHA-256  {delivery.size / alone / 1e6:8.0f} MB/s of processor time",
        f"ratio                   {alone / took:8.2f}",
        f"ratios of the rounds    {min(ratios):8.2f} to {max(ratios):.2f}",
        f"peak memory             {peak / 1000:8.0f} MB, {before / 1000:.0f} before",
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
