"""Exports: what a system hands over for an access request, and how its values are protected. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "FILES_LIMIT",
    "PART_BYTES",
    "Delivery",
    "ExportedFile",
    "ProtectedField",
    "Protection",
    "name_fault",
]

PART_BYTES = 8 * 1024 * 1024
"""How long each part of an export is in the clear; the last of a stream may be shorter."""

FILES_LIMIT = 100_000
"""How many files one export holds at most."""

_NAME_LIMIT = 200
_SEGMENT = re.compile(r"[\w](?:[\w .,()+@=-]*[\w)+=-])?", re.UNICODE)
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|(?:com|lpt)[\d\u00b9\u00b2\u00b3]|conin\$|conout\$) *(?:\..*)?",
    re.IGNORECASE,
)
"""Names that a common system takes for devices, whatever their extension and spaces before it."""


class Protection(StrEnum):
    """What becomes of a protected value."""

    THIRD_PARTY = "third_party"
    """It tells of somebody else: told to be there, and redacted."""

    SECRET = "secret"  # noqa: S105 - a word of the registry
    """A password or key: left out."""

    NEVER_DISCLOSED = "never_disclosed"
    """Told to be there, with its last four characters: 11 CCR 7024(d)."""


@dataclass(frozen=True, slots=True)
class ProtectedField:
    """A field whose values are not handed over as they are."""

    path: str
    """`file.field` or `*.field`: of the records of one file, without its extension, or of all."""

    protection: Protection


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a system has handed over, and where it lies: a reference, never the data."""

    export_id: str
    sealed_key: bytes
    """The key of the export, for the eyes of whoever has the package's private key."""

    size: int
    """Bytes of the data, in the clear."""

    index_size: int
    index_digest: bytes
    """SHA-256 of the index, in the clear."""

    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """One line of an export's index. The files lie in the data one after another, in this order."""

    name: str
    media_type: str
    size: int
    sha256: str
    """In hexadecimal."""

    categories: tuple[str, ...] = ()
    """Keys of the fideslang taxonomy, sorted."""

    records: int | None = None
    """How many records it has; none where it is no table."""

    protected: dict[Protection, int] = field(default_factory=dict)
    """How many values are not as they were, by how they are protected."""


def name_fault(name: str) -> str | None:
    """Say why a file cannot have this name in a package; none where it can.

    A name is a relative path of words. What could leave the folder that it is unpacked in, or be something
    else on another system, is refused: the same name means the same file everywhere.
    """
    if not name or len(name) > _NAME_LIMIT:
        return f"a name has 1 to {_NAME_LIMIT} characters"
    for segment in name.split("/"):
        if not _SEGMENT.fullmatch(segment):
            return "a name is made of letters, digits, spaces and . , ( ) + @ = - _, in parts between /"
        if _RESERVED.fullmatch(segment):
            return "a part of the name is a device's on some systems"
    return None
