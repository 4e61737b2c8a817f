"""The page of a package: for people, static, readable from disk and on a phone.

What systems sent is text on it and nothing else: every value is escaped, and no file is shown but the
beginning of tables, as cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import orjson

from dsr_intake.application.packages.assembling import Assembly, Preview
from dsr_intake.application.packages.manifest import FileEntry, SystemPart
from dsr_intake.application.packages.words import Words

__all__ = ["PackagePage"]

_ROWS = 10
_COLUMNS = 8
_VALUE_LENGTH = 80
_ORDER = {
    name: place
    for place, name in enumerate(
        ("included", "elsewhere", "before", "late", "missing", "exempt", "nothing_found")
    )
}
_TELLING = frozenset({"included", "elsewhere", "before"})
_TABLES = 5
"""So many tables of a system are shown."""

_ACTIVE = ("html", "svg", "xml", "javascript", "pdf", "msword", "officedocument", "octet-stream")
"""Of such media types a file may run something when it is opened."""

_PASSIVE = frozenset(
    (
        *("jsonl", "ndjson", "json", "csv", "tsv", "txt", "log", "md", "ics", "vcf", "zip", "gz"),
        *("jpg", "jpeg", "png", "gif", "webp", "avif", "heic", "heif", "bmp", "tif", "tiff"),
        *("mp4", "m4v", "mov", "webm", "mkv", "avi"),
        *("mp3", "m4a", "aac", "wav", "ogg", "oga", "ogv", "opus", "flac"),
    )
)
"""By the end of its name a browser and a desk decide what to do with a file: these run nothing.

A link on a page from disk opens what it leads to, `download` or not, so any other file has none.
"""


class PackagePage:
    """Makes the page."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def __call__(
        self, assembly: Assembly, parts: Sequence[SystemPart], previews: Sequence[Preview]
    ) -> bytes:
        """Return the page of a package."""
        language = assembly.language
        words = self._words.of(language)
        by_path = {one.path: one for one in previews}
        said = {
            "language": language,
            "words": words,
            "lead": self._filled(
                assembly,
                "lead",
                day=self._day(assembly, assembly.told["as_of"]),
                received=self._day(assembly, assembly.told["request"]["received_at"]),
            ),
            "reference": self._filled(assembly, "reference", reference=assembly.request_id),
            "note": self._note(assembly),
            "numbers": [
                (words["organisations"], len({one.told["organisation"]["id"] for one in parts})),
                (words["systems"], len(parts)),
                (words["files"], _number(sum(one.files for one in parts))),
                (words["records"], _number(sum(one.records for one in parts))),
                (words["size"], _size(sum(one.size for one in parts))),
            ],
            "bars": _bars(parts),
            "systems": [self._system(assembly, one, by_path) for one in _by_use(parts)],
            "law": self._filled(assembly, "law", citation=assembly.told["legal"]["citation"])
            if assembly.told["legal"]["citation"]
            else "",
            "legal": list(assembly.told["legal"]["text"].values()),
        }
        return self._words.page(said)

    def _note(self, assembly: Assembly) -> str:
        """Return what is still to come, or what came before."""
        late = set(assembly.told.get("late", ()))
        if late:
            names = [one.told["name"] for one in assembly.systems if one.system_id in late]
            return self._filled(assembly, "partial", names=", ".join(names))
        before = assembly.told.get("supplements")
        if before:
            return self._filled(assembly, "supplement", day=self._day(assembly, before["made_at"]))
        return ""

    def _system(
        self, assembly: Assembly, part: SystemPart, previews: Mapping[str, Preview]
    ) -> dict[str, Any]:
        words = self._words.of(assembly.language)
        told = part.told
        folder = f"data/{told['id']}"
        lines = [self._kept(assembly, one) for one in told["exemptions"]]
        if part.protected:
            lines.append(self._filled(assembly, "protected", count=_number(part.protected.total())))
        # Of what nothing is held, or told, nothing need be said either.
        nothing = words["not_told"] if told["status"] in _TELLING else ""
        more = part.files - len(part.listed)
        return {
            "id": told["id"],
            "name": told["name"],
            "status": words["status"][told["status"]],
            "lines": lines,
            "terms": [
                (words[name], value or nothing)
                for name, value in (
                    ("held_by", told["organisation"]["name"]),
                    ("purpose", told["purpose"]),
                    ("categories", self._categories(assembly, told["categories"])),
                    ("source", told["source"]),
                    ("recipients", ", ".join(told["recipients"])),
                    ("retention", told["retention"]),
                    ("automated", self._automated(assembly, told["automated_decisions"])),
                )
                if value or nothing
            ],
            "files": [_file(one, folder) for one in part.listed],
            "more": self._filled(assembly, "more_files", count=_number(more), folder=folder)
            if more
            else "",
            "tables": list(islice(self._tables(assembly, part, previews, folder), _TABLES)),
        }

    def _tables(
        self, assembly: Assembly, part: SystemPart, previews: Mapping[str, Preview], folder: str
    ) -> Iterator[dict[str, Any]]:
        for one in part.listed:
            preview = previews.get(one.path)
            rows = _rows(preview.content) if preview else []
            if not rows:
                continue
            columns = list(dict.fromkeys(name for row in rows for name in row))[:_COLUMNS]
            name = one.path.removeprefix(f"{folder}/")
            yield {
                "title": self._filled(assembly, "beginning", name=name),
                "note": ""
                if one.file.records == len(rows)
                else self._filled(assembly, "beginning_note", count=len(rows)),
                "columns": columns,
                "rows": [[_value(row.get(column)) for column in columns] for row in rows],
            }

    def _kept(self, assembly: Assembly, one: Mapping[str, Any]) -> str:
        return self._filled(
            assembly,
            "kept",
            ground=one["ground"],
            categories=self._categories(assembly, one["categories"]),
            review_on=self._day(assembly, one["review_at"]),
        )

    def _automated(self, assembly: Assembly, one: Mapping[str, Any] | None) -> str:
        if one is None:
            return ""
        if not one["are_made"]:
            return str(self._words.of(assembly.language)["automated_none"])
        return " ".join(_sentence(one[name]) for name in ("significance", "logic", "consequences"))

    def _categories(self, assembly: Assembly, keys: Sequence[str]) -> str:
        return self._words.categories(assembly.language, keys)

    def _filled(self, assembly: Assembly, name: str, /, **values: object) -> str:
        return self._words.filled(assembly.language, name, **values)

    def _day(self, assembly: Assembly, at: str) -> str:
        return self._words.day(assembly.language, date.fromisoformat(at[:10]))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _by_use(parts: Sequence[SystemPart]) -> list[SystemPart]:
    """Return those first that a person looks for: with data, then with something to say."""
    return sorted(parts, key=lambda one: _ORDER.get(one.told["status"], len(_ORDER)))


def _bars(parts: Sequence[SystemPart]) -> list[dict[str, Any]]:
    largest = max((one.size for one in parts), default=0)
    if not largest:
        return []
    return [
        {
            "id": one.told["id"],
            "name": one.told["name"],
            "size": _size(one.size),
            "width": max(100 * one.size // largest, 1),
        }
        for one in sorted(parts, key=lambda one: (-one.size, one.told["id"]))
        if one.size
    ]


def _file(one: FileEntry, folder: str) -> dict[str, Any]:
    return {
        "href": quote(one.path),
        "path": one.path,
        "name": one.path.removeprefix(f"{folder}/"),
        "type": one.file.media_type,
        "records": "" if one.file.records is None else _number(one.file.records),
        "size": _size(one.size),
        "sheet": quote(one.sheet.path) if one.sheet else "",
        "active": _is_active(one),
    }


def _is_active(one: FileEntry) -> bool:
    """Tell whether a file may run something, by what its system calls it or by its name."""
    media_type = one.file.media_type.lower()
    ending = PurePosixPath(one.path).suffix.removeprefix(".").lower()
    return ending not in _PASSIVE or any(word in media_type for word in _ACTIVE)


def _rows(content: bytes) -> list[dict[str, Any]]:
    """Return the first records of a table that are whole."""
    rows: list[dict[str, Any]] = []
    *lines, _ = content.split(b"\n")
    for line in lines:
        try:
            row = orjson.loads(line)
        except ValueError:
            return rows
        if not isinstance(row, dict) or len(rows) == _ROWS:
            return rows
        rows.append(row)
    return rows


def _value(value: object) -> str:
    if value is None:
        return ""
    try:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # it is nested too deeply
        return "…"
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…"


def _number(count: int) -> str:
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _size(size: int) -> str:
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= length:
            return f"{size / length:.1f} {unit}"
    return f"{size} B"
