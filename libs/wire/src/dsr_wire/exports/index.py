"""The index of an export: one line of JSON a file."""

from __future__ import annotations

import json
import re
from typing import Any

from dsr_core.errors import RejectedInput
from dsr_core.exports import ExportedFile, Protection, name_fault

__all__ = ["LINE_LIMIT", "file_from_line", "line_of"]

LINE_LIMIT = 16 * 1024
"""How long a line is at most, in bytes, its end included."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*(?:; ?charset=[a-zA-Z0-9-]+)?")
_CATEGORIES_LIMIT = 100


def line_of(file: ExportedFile) -> bytes:
    """Return a file's line, its end included."""
    content: dict[str, Any] = {
        "name": file.name,
        "media_type": file.media_type,
        "size": file.size,
        "sha256": file.sha256,
        "categories": list(file.categories),
        "records": file.records,
        "protected": {how.value: number for how, number in sorted(file.protected.items())},
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def file_from_line(line: bytes) -> ExportedFile:
    """Return the file that a line tells of.

    Raises:
        RejectedInput: It is no such line, or names a file as none can be named.
    """
    if len(line) > LINE_LIMIT:
        raise RejectedInput("invalid_index", f"a line has more than {LINE_LIMIT} bytes")
    try:
        content = json.loads(line)
        file = ExportedFile(
            name=_text(content["name"]),
            media_type=_text(content["media_type"]),
            size=_count(content["size"]),
            sha256=_text(content["sha256"]),
            categories=tuple(map(_text, content["categories"])),
            records=None if content["records"] is None else _count(content["records"]),
            protected={
                Protection(how): _count(number) for how, number in content["protected"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RejectedInput("invalid_index", "a line tells of no file") from error
    _check(file)
    return file


def _check(file: ExportedFile) -> None:
    fault = name_fault(file.name)
    if fault is not None:
        raise RejectedInput("invalid_name", fault)
    if not _SHA256.fullmatch(file.sha256) or not _MEDIA_TYPE.fullmatch(file.media_type):
        raise RejectedInput("invalid_index", "a digest or a media type is none")
    if len(file.categories) > _CATEGORIES_LIMIT:
        raise RejectedInput("invalid_index", f"more than {_CATEGORIES_LIMIT} categories")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("not a number of things")
    return value
