"""What an access handler yields."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dsr_core.exports import FILES_LIMIT

__all__ = ["Bytes", "ExportLimits", "File", "Item", "Row", "is_for_reading"]

Bytes: TypeAlias = bytes | bytearray | memoryview
"""Some bytes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a table. The rows of one table are yielded one after another."""

    file: str
    """The table's name, without an extension: its rows become the lines of `<file>.jsonl`."""

    fields: Mapping[str, Any] = field(repr=False)
    """Texts, numbers, truth values, dates, and lists and mappings of them, by name."""

    categories: tuple[str, ...] = ()
    """Keys of the fideslang taxonomy that it falls under."""


@dataclass(frozen=True, slots=True)
class File:
    """One file, as it is. Nothing in it is protected: what must not leave must not be in it."""

    name: str
    """Its name, with its extension; folders are parted by `/`."""

    content: Bytes | Iterable[Bytes] | AsyncIterable[Bytes] = field(repr=False)
    """All of it, or piece by piece; a piece is in memory as a whole."""

    media_type: str = "application/octet-stream"
    categories: tuple[str, ...] = ()
    """Keys of the fideslang taxonomy that it falls under."""


Item: TypeAlias = Row | File
"""What is handed over."""

# Guidelines on the right to data portability, WP 242 rev.01, part V: e-mails as PDF files "would not be
# sufficiently structured", and no format does whose reuse would need more than the file itself.
_FOR_READING = (".doc", ".docx", ".htm", ".html", ".odt", ".pdf", ".ps", ".rtf")


def is_for_reading(name: str) -> bool:
    """Tell whether a file is made for reading alone, so that it is nothing to take elsewhere."""
    return name.lower().endswith(_FOR_READING)


@dataclass(frozen=True, slots=True)
class ExportLimits:
    """How much one export may hold; what is beyond is answered `failed`."""

    size: int = 20 * 1024**3
    """Bytes, in the clear."""

    files: int = FILES_LIMIT
