"""The manifest of a package: what is in it, from whom, and what the law has told beside it.

Canonical JSON, made of what was fixed at the closing and of what was read, so that an assembly that is
begun again makes the same one. Files are kept as lines, since a package may have hundreds of thousands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dsr_core.exports import ExportedFile, Protection
from dsr_wire.canonical import canonical

__all__ = ["Beside", "FileEntry", "SystemPart", "file_entry", "manifest"]

VERSION = 1

_LISTED = 200
"""So many files of a system the page names; the manifest has all."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A file that is made here beside one of a system."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file, as it is in the package."""

    path: str
    file: ExportedFile
    sha256: str
    size: int
    protected: dict[str, int]
    sheet: Beside | None = None
    """A table once more, for spreadsheets."""

    row_schema: Beside | None = None
    """The form of a table's records."""


@dataclass(slots=True)
class SystemPart:
    """What one system's part of the manifest is made of."""

    told: dict[str, Any]
    """Everything but its files."""

    files: int = 0
    size: int = 0
    records: int = 0
    protected: Counter[str] = field(default_factory=Counter)
    listed: list[FileEntry] = field(default_factory=list)
    """The first of its files."""

    _lines: bytearray = field(default_factory=bytearray)

    def add(self, entry: FileEntry) -> None:
        """Take a file in."""
        self.files += 1
        self.size += entry.size
        self.records += entry.file.records or 0
        self.protected.update(entry.protected)
        if len(self.listed) < _LISTED:
            self.listed.append(entry)
        if self._lines:
            self._lines += b","
        self._lines += canonical(_entry(entry))

    def written(self) -> bytes:
        """Return its canonical form; `files` falls where its name sorts."""
        told = {**self.told, "protected": dict(sorted(self.protected.items()))}
        before = {name: value for name, value in told.items() if name < "files"}
        after = {name: value for name, value in told.items() if name > "files"}
        return b"".join(
            (canonical(before)[:-1], b',"files":[', self._lines, b"],", canonical(after)[1:])
        )


def file_entry(
    file: ExportedFile,
    path: str,
    *,
    sha256: str,
    size: int,
    more: Counter[Protection],
    sheet: Beside | None = None,
    row_schema: Beside | None = None,
) -> FileEntry:
    """Return a file as it was written, with the values that were protected here besides."""
    protected = Counter(file.protected) + more
    counts = {how.value: count for how, count in sorted(protected.items())}
    return FileEntry(path, file, sha256, size, counts, sheet, row_schema)


def manifest(told: dict[str, Any], systems: list[SystemPart]) -> Iterator[bytes]:
    """Yield the manifest in portions; `systems` comes last, since nothing sorts after it.

    Args:
        told: Everything but the systems.
        systems: Their parts, in the order of their ids.
    """
    if any(name > "systems" for name in told):
        raise ValueError("nothing sorts after the systems")
    yield canonical({**told, "manifest_version": VERSION})[:-1] + b',"systems":['
    for number, one in enumerate(systems):
        yield (b"," if number else b"") + one.written()
    yield b"]}"


def _entry(one: FileEntry) -> dict[str, Any]:
    beside = {"csv": one.sheet, "row_schema": one.row_schema}
    told: dict[str, Any] = {
        name: {"path": made.path, "sha256": made.sha256, "size": made.size}
        for name, made in beside.items()
        if made is not None
    }
    if not one.path.endswith(f"/{one.file.name}"):
        told["name"] = one.file.name
    return told | {
        "categories": list(one.file.categories),
        "media_type": one.file.media_type,
        "path": one.path,
        "protected": one.protected,
        "records": one.file.records,
        "sha256": one.sha256,
        "size": one.size,
    }
