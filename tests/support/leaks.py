"""Looking for personal values in whatever a stack has written, in the ways in which such values travel."""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from support.packed import unpacked

__all__ = ["found_in", "leaks", "report", "spellings"]

_STEP = 16_777_216
_UNREAD = {"index", "timeindex"}
"""Kafka's indices: offsets and times, a few MB of nothing each."""


def spellings(value: str) -> Mapping[str, bytes]:
    """Return the bytes that give a value away, by the name of the encoding.

    Base64 is searched at each of its three alignments, without the ends that depend on what stands
    beside the value; hexadecimal in both cases.
    """
    raw = value.encode()
    found = {
        "raw": raw,
        "upper case": value.upper().encode(),
        "UTF-16, little": value.encode("utf-16-le"),
        "UTF-16, big": value.encode("utf-16-be"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "reversed": raw[::-1],
        "URL": quote(value, safe="").encode(),
        "URL, every character": "".join(f"%{one:02X}" for one in raw).encode(),
        "JSON": "".join(f"\\u{one:04x}" for one in raw).encode(),
    }
    for shift in range(3):
        spelled = base64.b64encode(b"\x00" * shift + raw + b"\x00\x00")
        first = (shift * 8 + 5) // 6
        last = (shift + len(raw)) * 8 // 6
        found[f"base64, {shift}"] = spelled[first:last]
        safe = spelled.translate(bytes.maketrans(b"+/", b"-_"))
        found[f"base64 for URLs, {shift}"] = safe[first:last]
    return found


def found_in(content: bytes, values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each value that some bytes hold, with the encoding."""
    for value in values:
        for name, spelled in spellings(value).items():
            if spelled in content:
                yield value, name


def leaks(folder: Path, values: Iterable[str], read: Counter[str] | None = None) -> list[str]:
    """Return where below a folder values are found, as `file: value (encoding)`.

    What is packed is searched as well, unpacked: batches of Kafka's, gzip files.

    Args:
        folder: Everything below it is searched.
        values: What is looked for.
        read: Takes the bytes that were searched, by the first folder or file on the way.
    """
    wanted = {
        spelled: f"{value} ({name})"
        for value in values
        for name, spelled in spellings(value).items()
    }
    read = Counter() if read is None else read
    overlap = max(map(len, wanted), default=0)
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.suffix.lstrip(".") in _UNREAD:
            continue
        inside = path.relative_to(folder)
        for parts, how in ((_parts(path), ""), (unpacked(path), ", unpacked")):
            hits, size = _hits(parts, wanted, overlap)
            read[inside.parts[0] + how] += size
            found += [f"{inside}: {hit}{how}" for hit in sorted(hits)]
    return found


def report(read: Mapping[str, int]) -> str:
    """Return what was searched, a line a place."""
    lines = [f"{place}: {size:,} bytes" for place, size in sorted(read.items()) if size]
    return "\n".join([*lines, f"in all: {sum(read.values()):,} bytes"])


def _hits(
    parts: Iterable[bytes], wanted: Mapping[bytes, str], overlap: int
) -> tuple[set[str], int]:
    found: set[str] = set()
    rest, size = b"", 0
    for part in parts:
        size += len(part)
        content = rest + part
        found |= {name for spelled, name in wanted.items() if spelled in content}
        rest = content[-overlap:]
    return found, size


def _parts(path: Path) -> Iterator[bytes]:
    """Yield a file's content without its holes; nothing of a file that has gone meanwhile."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        end = os.fstat(file.fileno()).st_size
        place = 0
        while place < end:
            try:
                place = os.lseek(file.fileno(), place, os.SEEK_DATA)
            except OSError:
                return  # nothing but a hole is left
            hole = min(os.lseek(file.fileno(), place, os.SEEK_HOLE), end)
            while place < hole:
                part = os.pread(file.fileno(), min(_STEP, hole - place), place)
                if not part:
                    return
                place += len(part)
                yield part
