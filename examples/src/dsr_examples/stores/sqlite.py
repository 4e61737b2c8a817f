"""A system's data in an SQLite file of its own."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from dsr_examples.stores.schema import STATEMENTS, Erasure, Owned, Request, Rows, Schema, Table

__all__ = ["SqliteStore"]

_T = TypeVar("_T")
_ERASURES = """
create table erasures (
  request_id text primary key,
  erased integer not null,
  erased_at text not null default current_timestamp
)
"""
_PAGE = 500
_AMONG = "in (select value from json_each(?))"
"""Any number of values in one parameter."""


class SqliteStore:
    """The store. Its calls wait in a thread, so that the event loop does not."""

    def __init__(self, schema: Schema, folder: Path) -> None:
        self._schema = schema
        self._path = folder / "data.sqlite"
        self._connection: sqlite3.Connection | None = None
        self._lock = asyncio.Lock()

    async def is_seeded(self) -> bool:
        """See `Store.is_seeded`."""
        return self._path.exists() and await self._call(self._is_seeded)

    async def seed(self, rows: Callable[[], Rows]) -> bool:
        """Create and fill the tables in one transaction; see `Store.seed`."""
        return await self._call(lambda: self._seed(rows))

    async def erase(self, requests: Sequence[Request]) -> list[Erasure | None]:
        """Delete in a statement a table, and record it in the same transaction; see `Store.erase`."""
        return await self._call(lambda: self._erase(requests))

    async def mark(self, request: Request, table: str) -> int:
        """See `Store.mark`."""
        return await self._call(lambda: self._mark(request, table))

    async def attach(self, request: Request, statement: str) -> int:
        """See `Store.attach`."""
        return await self._call(lambda: self._attach(request, statement))

    async def correct(self, request: Request, values: Mapping[str, str]) -> tuple[int, int]:
        """See `Store.correct`."""
        return await self._call(lambda: self._correct(request, values))

    async def count(self, requests: Sequence[Request]) -> list[dict[str, int]]:
        """See `Store.count`."""
        return await self._call(lambda: self._count(requests))

    async def rows(self, request: Request) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Read page by page, each in a transaction of its own; see `Store.rows`."""
        for table in self._schema.tables:
            last = 0
            while page := await self._call(partial(self._page, request, table, last)):
                for row in page:
                    yield table.name, row
                last = page[-1]["id"]

    async def totals(self) -> dict[str, int]:
        """See `Store.totals`."""
        return await self._call(self._totals)

    async def close(self) -> None:
        """Close the file, once nothing uses it any more."""
        async with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def _call(self, work: Callable[[], _T]) -> _T:
        async with self._lock:
            running = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(running)
            finally:
                # A cancelled caller does not stop the thread, and a file that is closed under one
                # takes the process with it.
                await asyncio.wait([running])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False, timeout=30
            )
            self._connection.execute("pragma foreign_keys = on")
            self._connection.execute("pragma secure_delete = on")  # overwrite what is deleted
        connection = self._connection
        connection.execute("begin immediate")
        try:
            yield connection
            connection.execute("commit")
        finally:
            if connection.in_transaction:  # whatever went wrong, none of it may stand
                connection.execute("rollback")

    def _is_seeded(self) -> bool:
        with self._transaction() as connection:
            return _has_tables(connection)

    def _seed(self, rows: Callable[[], Rows]) -> bool:
        with self._transaction() as connection:
            if _has_tables(connection):
                return False
            for statement in (*self._schema.statements(), _ERASURES):
                connection.execute(statement)
            for table, records in rows().by_table.items():
                places = ", ".join("?" * len(records[0]))
                connection.executemany(
                    f"insert into {table} values ({places})",
                    ([_plain(value) for value in record] for record in records),
                )
        return True

    def _erase(self, requests: Sequence[Request]) -> list[Erasure | None]:
        with self._transaction() as connection:
            asked = json.dumps([one.request_id for one in requests])
            query = f"select request_id, erased from erasures where request_id {_AMONG}"
            done = {key: Erasure(erased) for key, erased in connection.execute(query, [asked])}
            people = self._find(connection, [one for one in requests if one.request_id not in done])
            counts: Counter[str] = Counter()
            for table in self._schema.owned_first:
                owned = self._schema.owned(table)
                counts += self._rows_of(connection, owned, people)
                connection.execute(
                    f"delete from {table.name} where id in (select {table.name}.id "
                    f"from {owned.source} where {owned.person} {_AMONG})",
                    [json.dumps(list(people))],
                )
            connection.executemany(
                "insert into erasures (request_id, erased) values (?, ?)", counts.items()
            )
        new = {request_id: Erasure(erased) for request_id, erased in counts.items()}
        done |= new
        return [done.get(one.request_id) for one in requests]

    def _mark(self, request: Request, table: str) -> int:
        statement = (
            f"insert into {table} (person, since) select ?1, ?2 "
            f"where not exists (select 1 from {table} where person = ?1)"
        )
        with self._transaction() as connection:
            people = self._find(connection, [request])
            now = datetime.now(UTC).isoformat()
            connection.executemany(statement, [(person, now) for person in people])
        return len(people)

    def _attach(self, request: Request, statement: str) -> int:
        insertion = (
            f"insert into {STATEMENTS} (person, since, statement) select ?1, ?2, ?3 where not exists "
            f"(select 1 from {STATEMENTS} where person = ?1 and statement = ?3)"
        )
        with self._transaction() as connection:
            people = self._find(connection, [request])
            now = datetime.now(UTC).isoformat()
            connection.executemany(insertion, [(person, now, statement) for person in people])
        return len(people)

    def _correct(self, request: Request, values: Mapping[str, str]) -> tuple[int, int]:
        columns = list(values)
        changes = ", ".join(f"{column} = ?" for column in columns)
        wrong = " or ".join(f"{column} is not ?" for column in columns)
        with self._transaction() as connection:
            people = self._find(connection, [request])
            changed = connection.execute(
                f"update {self._schema.people} set {changes} where id {_AMONG} and ({wrong})",
                [*values.values(), json.dumps(list(people)), *values.values()],
            ).rowcount
        return len(people), changed

    def _count(self, requests: Sequence[Request]) -> list[dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        with self._transaction() as connection:
            people = self._find(connection, requests)
            for table in self._schema.tables:
                counts = self._rows_of(connection, self._schema.owned(table), people)
                for request_id, count in counts.items():
                    found.setdefault(request_id, {})[table.name] = count
        return [found.get(one.request_id, {}) for one in requests]

    def _page(self, request: Request, table: Table, last: int) -> list[dict[str, Any]]:
        owned = self._schema.owned(table)
        query = (
            f"select {table.name}.* from {owned.source} where {owned.person} {_AMONG} "
            f"and {table.name}.id > ? order by {table.name}.id limit {_PAGE}"
        )
        with self._transaction() as connection:
            people = json.dumps(list(self._find(connection, [request])))
            found = connection.execute(query, [people, last]).fetchall()
        return [dict(zip(table.column_names, one, strict=True)) for one in found]

    def _totals(self) -> dict[str, int]:
        with self._transaction() as connection:
            return {
                table.name: connection.execute(f"select count(*) from {table.name}").fetchone()[0]
                for table in self._schema.tables
            }

    def _find(self, connection: sqlite3.Connection, requests: Iterable[Request]) -> dict[int, str]:
        """Return the ids of the people asked for, each with its request."""
        wanted = self._schema.wanted(requests)
        query = (
            f"select id, {', '.join(wanted)} from {self._schema.people} "
            f"where {' or '.join(f'{column} {_AMONG}' for column in wanted)}"
        )
        asked = [json.dumps(list(values)) for values in wanted.values()]
        people = {}
        for person, *known in connection.execute(query, asked):
            pairs = zip(wanted.values(), known, strict=True)
            matches = (values.get(value) for values, value in pairs)
            people[person] = next(request_id for request_id in matches if request_id)
        return people

    @staticmethod
    def _rows_of(
        connection: sqlite3.Connection, owned: Owned, people: Mapping[int, str]
    ) -> Counter[str]:
        query = (
            f"select {owned.person}, count(*) from {owned.source} "
            f"where {owned.person} {_AMONG} group by 1"
        )
        counts: Counter[str] = Counter()
        for person, count in connection.execute(query, [json.dumps(list(people))]):
            counts[people[person]] += count
        return counts


def _has_tables(connection: sqlite3.Connection) -> bool:
    query = "select 1 from sqlite_master where name = 'erasures'"
    return connection.execute(query).fetchone() is not None


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
