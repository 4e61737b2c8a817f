"""A system's data in plain files: one file a table, JSON Lines or CSV.

Files know no transactions. So an erasure is written down before it begins and after it ended; asked
again after a crash between the two, it is done once more and answered with the first count. One
process owns the folder.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from dsr_examples.stores.schema import STATEMENTS, Erasure, Request, Rows, Schema, Table

__all__ = ["FileStore"]

_T = TypeVar("_T")
_Row = dict[str, Any]


class FileStore:
    """The store. Its calls wait in a thread, so that the event loop does not."""

    def __init__(self, schema: Schema, folder: Path) -> None:
        self._schema = schema
        self._folder = folder
        self._format = schema.file_format
        self._journal = folder / "erasures.jsonl"
        self._begun: dict[str, int] | None = None
        self._ended: set[str] = set()
        self._index: dict[str, dict[str, list[str]]] | None = None
        """Ids of people by column and value, so that most who are not here cost no reading."""
        self._lock = asyncio.Lock()

    async def is_seeded(self) -> bool:
        """See `Store.is_seeded`."""
        return self._journal.exists()

    async def seed(self, rows: Callable[[], Rows]) -> bool:
        """Write the tables, then the empty journal, which says that they are all there."""
        return await self._call(lambda: self._seed(rows))

    async def erase(self, requests: Sequence[Request]) -> list[Erasure | None]:
        """Rewrite each table once for all people; see `Store.erase`."""
        return await self._call(lambda: self._erase(requests))

    async def mark(self, request: Request, table: str) -> int:
        """See `Store.mark`."""
        return await self._call(lambda: self._mark(request, table))

    async def attach(self, request: Request, statement: str) -> int:
        """See `Store.attach`."""
        return await self._call(lambda: self._mark(request, STATEMENTS, statement=statement))

    async def correct(self, request: Request, values: Mapping[str, str]) -> tuple[int, int]:
        """Rewrite the table of people once; see `Store.correct`."""
        return await self._call(lambda: self._correct(request, values))

    async def count(self, requests: Sequence[Request]) -> list[dict[str, int]]:
        """See `Store.count`."""
        return await self._call(lambda: self._count(requests))

    async def rows(self, request: Request) -> AsyncIterator[tuple[str, _Row]]:
        """Read the tables once; they are small where files are enough."""
        for one in await self._call(lambda: self._rows_of(request)):
            yield one

    async def totals(self) -> dict[str, int]:
        """See `Store.totals`."""
        tables = self._schema.tables
        return await self._call(lambda: {one.name: len(self._read(one)) for one in tables})

    async def close(self) -> None:
        """Nothing is held open."""

    async def _call(self, work: Callable[[], _T]) -> _T:
        async with self._lock:
            return await asyncio.to_thread(work)

    def _seed(self, rows: Callable[[], Rows]) -> bool:
        if self._journal.exists():
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        records = rows().by_table
        for table in self._schema.tables:
            names = table.column_names
            self._write(table, [dict(zip(names, one, strict=True)) for one in records[table.name]])
        _replace(self._journal, "")
        return True

    def _erase(self, requests: Sequence[Request]) -> list[Erasure | None]:
        begun = self._load_journal()
        open_ = [one for one in requests if one.request_id not in self._ended]
        people = self._find(open_)
        if people:
            kept, counts = self._part(people)
            new = {key: sum(tables.values()) for key, tables in counts.items() if key not in begun}
            self._note([{"request_id": key, "erased": erased} for key, erased in new.items()])
            begun.update(new)
            self._index = None
            for table in self._schema.owned_first:
                self._write(table, kept[table.name])
        ended = [one.request_id for one in open_ if one.request_id in begun]
        self._note([{"request_id": key, "ended": True} for key in ended])
        self._ended.update(ended)
        return [
            Erasure(begun[one.request_id]) if one.request_id in begun else None for one in requests
        ]

    def _correct(self, request: Request, values: Mapping[str, str]) -> tuple[int, int]:
        people = self._find([request])
        rows = self._read(self._schema.tables[0])
        wrong = [
            row
            for row in rows
            if str(row["id"]) in people and any(row[key] != one for key, one in values.items())
        ]
        for row in wrong:
            row.update(values)
        if wrong:
            self._index = None
            self._write(self._schema.tables[0], rows)
        return len(people), len(wrong)

    def _mark(self, request: Request, name: str, **more: str) -> int:
        people = self._find([request])
        [table] = (one for one in self._schema.tables if one.name == name)
        rows = self._read(table)
        before = {str(row["person"]) for row in rows if more.items() <= row.items()}
        now = datetime.now(UTC).isoformat()
        number = max((int(row["id"]) for row in rows), default=0)
        for person in sorted(people.keys() - before):
            number += 1
            rows.append({"id": number, "person": person, "since": now, **more})
        if people.keys() - before:
            self._write(table, rows)
        return len(people)

    def _count(self, requests: Sequence[Request]) -> list[dict[str, int]]:
        people = self._find(requests)
        counts = self._part(people)[1] if people else {}
        return [dict(counts.get(one.request_id, {})) for one in requests]

    def _find(self, requests: Iterable[Request]) -> dict[str, str]:
        """Return the ids of the people asked for, each with its request."""
        if self._index is None:
            self._index = {column: {} for column in self._schema.known_by.values()}
            for row in self._read(self._schema.tables[0]):
                for column, index in self._index.items():
                    index.setdefault(row[column], []).append(str(row["id"]))
        return {
            person: request_id
            for column, values in self._schema.wanted(requests).items()
            for value, request_id in values.items()
            for person in self._index[column].get(value, ())
        }

    def _rows_of(self, request: Request) -> list[tuple[str, _Row]]:
        people = self._find([request])
        told = self._told_apart(people) if people else ()
        return [(table.name, row) for table, row, request_id in told if request_id is not None]

    def _part(
        self, people: dict[str, str]
    ) -> tuple[dict[str, list[_Row]], dict[str, Counter[str]]]:
        """Read every table; return the rows that stay, and by request how many would go."""
        kept: dict[str, list[_Row]] = {table.name: [] for table in self._schema.tables}
        counts: dict[str, Counter[str]] = {}
        for table, row, request_id in self._told_apart(people):
            if request_id is None:
                kept[table.name].append(row)
            else:
                counts.setdefault(request_id, Counter())[table.name] += 1
        return kept, counts

    def _told_apart(self, people: dict[str, str]) -> Iterator[tuple[Table, _Row, str | None]]:
        """Yield every row of every table, with the request of the person that it is about."""
        about = {self._schema.people: people}
        for table in self._schema.tables:
            column, owner = table.owner or ("id", table.name)
            mine = about.setdefault(table.name, {})
            for row in self._read(table):
                request_id = about[owner].get(str(row[column]))
                if request_id is not None:
                    mine[str(row["id"])] = request_id
                yield table, row, request_id

    def _load_journal(self) -> dict[str, int]:
        if self._begun is None:
            self._begun = {}
            text = self._journal.read_text(encoding="utf-8")
            whole = text[: text.rfind("\n") + 1]  # a crash may have cut the last line short
            if whole != text:
                _replace(self._journal, whole)
            for line in whole.splitlines():
                entry = json.loads(line)
                if "ended" in entry:
                    self._ended.add(entry["request_id"])
                else:
                    self._begun[entry["request_id"]] = entry["erased"]
        return self._begun

    def _note(self, entries: Sequence[_Row]) -> None:
        if entries:
            with self._journal.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(entry) + "\n" for entry in entries)
                file.flush()
                os.fsync(file.fileno())

    def _path(self, table: Table) -> Path:
        return self._folder / f"{table.name}.{self._format}"

    def _read(self, table: Table) -> list[_Row]:
        with self._path(table).open(encoding="utf-8", newline="") as file:
            if self._format == "csv":
                return list(csv.DictReader(file))
            return [json.loads(line) for line in file]

    def _write(self, table: Table, rows: Sequence[_Row]) -> None:
        if self._format == "csv":
            lines = _CsvLines()
            writer = csv.DictWriter(lines, table.column_names)
            writer.writeheader()
            writer.writerows(rows)
            _replace(self._path(table), "".join(lines.lines))
        else:
            lines_ = (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
            _replace(self._path(table), "".join(lines_))


class _CsvLines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)


def _replace(path: Path, text: str) -> None:
    """Replace a file as a whole: after a crash it is the old one or the new one."""
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
