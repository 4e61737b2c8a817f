"""A system's data in a PostgreSQL database of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from dsr_examples.stores.schema import STATEMENTS, Erasure, Request, Rows, Schema, Table

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

__all__ = ["Connection", "PostgresStore"]

_ERASURES = """
create table erasures (
  request_id text primary key,
  erased integer not null,
  kept integer not null,
  review_at timestamptz,
  erased_at timestamptz not null default now()
)
"""


_PAGE = 500


class PostgresStore:
    """The store, and the steps that erasing is made of, for systems that do it their own way."""

    def __init__(self, schema: Schema, dsn: str) -> None:
        self._schema = schema
        self._dsn = dsn
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Give a connection, whose work is all done or not at all."""
        async with self._connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(self._dsn, min_size=1, max_size=6)
        async with self._pool.acquire() as connection:
            yield connection

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def is_seeded(self) -> bool:
        """See `Store.is_seeded`."""
        async with self.transaction() as connection:
            return await connection.fetchval("select to_regclass('erasures')") is not None

    async def seed(self, rows: Callable[[], Rows]) -> bool:
        """Create and fill the tables in one transaction; see `Store.seed`."""
        async with self.transaction() as connection:
            await connection.execute("select pg_advisory_xact_lock(20200701)")
            if await connection.fetchval("select to_regclass('erasures')") is not None:
                return False
            for statement in (*self._schema.statements(), _ERASURES):
                await connection.execute(statement)
            for table, records in rows().by_table.items():
                await connection.copy_records_to_table(table, records=records)
        return True

    async def erase(self, requests: Sequence[Request]) -> list[Erasure | None]:
        """Delete in a statement a table, and record it in the same transaction; see `Store.erase`."""
        async with self.transaction() as connection:
            done = await self.recorded(connection, requests)
            people = await self.find(
                connection, [one for one in requests if one.request_id not in done]
            )
            counts: Counter[str] = Counter()
            for table in self._schema.owned_first:
                counts += await self.delete(connection, table, people)
            new = {request_id: Erasure(erased) for request_id, erased in counts.items()}
            await self.record(connection, new)
        done |= new
        return [done.get(one.request_id) for one in requests]

    async def mark(self, request: Request, table: str) -> int:
        """See `Store.mark`; who is asked about is locked, so that none stands there twice."""
        statement = (
            f"insert into {table} (id, person, since) select coalesce(max(id), 0) + 1, $1, now() "
            f"from {table} having count(*) filter (where person = $1) = 0"
        )
        async with self.transaction() as connection:
            await connection.execute(f"lock table {table} in exclusive mode")
            people = await self.find(connection, [request])
            await connection.executemany(statement, [(person,) for person in people])
        return len(people)

    async def attach(self, request: Request, statement: str) -> int:
        """See `Store.attach`; the table is locked, so that nothing stands there twice."""
        insertion = (
            f"insert into {STATEMENTS} (id, person, since, statement) "
            f"select coalesce(max(id), 0) + 1, $1, now(), $2 from {STATEMENTS} "
            "having count(*) filter (where person = $1 and statement = $2) = 0"
        )
        async with self.transaction() as connection:
            await connection.execute(f"lock table {STATEMENTS} in exclusive mode")
            people = await self.find(connection, [request])
            await connection.executemany(insertion, [(person, statement) for person in people])
        return len(people)

    async def recorded(
        self, connection: Connection, requests: Iterable[Request]
    ) -> dict[str, Erasure]:
        """Return what was done before under these requests."""
        query = (
            "select request_id, erased, kept, review_at from erasures where request_id = any($1)"
        )
        records = await connection.fetch(query, [one.request_id for one in requests])
        return {one["request_id"]: Erasure(*tuple(one)[1:]) for one in records}

    async def record(self, connection: Connection, erasures: Mapping[str, Erasure]) -> None:
        """Record what was done, by request."""
        await connection.executemany(
            "insert into erasures (request_id, erased, kept, review_at) values ($1, $2, $3, $4)",
            [(key, one.erased, one.kept, one.review_at) for key, one in erasures.items()],
        )

    async def find(
        self, connection: Connection, requests: Iterable[Request], *, lock: bool = True
    ) -> dict[int, str]:
        """Return the ids of the people asked for, each with its request; their rows are locked."""
        wanted = self._schema.wanted(requests)
        tests = (f"{column} = any(${n}::text[])" for n, column in enumerate(wanted, 1))
        query = (
            f"select id, {', '.join(wanted)} from {self._schema.people} "
            f"where {' or '.join(tests)} order by id {'for update' if lock else ''}"
        )
        people = {}
        for record in await connection.fetch(query, *(list(values) for values in wanted.values())):
            matches = (values.get(record[column]) for column, values in wanted.items())
            people[record["id"]] = next(request_id for request_id in matches if request_id)
        return people

    async def delete(
        self, connection: Connection, table: Table, people: Mapping[int, str]
    ) -> Counter[str]:
        """Delete the people's rows of one table, and count them by request."""
        owned = self._schema.owned(table)
        using = ", ".join(owner for _, _, owner in owned.joins)
        joined = "".join(
            f"{name}.{column} = {owner}.id and " for name, column, owner in owned.joins
        )
        deletion = (
            f"delete from {table.name} {f'using {using}' if using else ''} "
            f"where {joined}{owned.person} = any($1::int[]) returning {owned.person} as person"
        )
        return await self._by_request(connection, deletion, people)

    async def correct(self, request: Request, values: Mapping[str, str]) -> tuple[int, int]:
        """Lock the person's rows, and change those that are wrong; see `Store.correct`."""
        given = list(enumerate(values, 2))
        changes = ", ".join(f"{column} = ${n}" for n, column in given)
        wrong = " or ".join(f"{column} is distinct from ${n}" for n, column in given)
        statement = (
            f"update {self._schema.people} set {changes} where id = any($1::int[]) and ({wrong})"
        )
        async with self.transaction() as connection:
            people = await self.find(connection, [request])
            done = await connection.execute(statement, list(people), *values.values())
        return len(people), int(done.rpartition(" ")[2])

    async def count(self, requests: Sequence[Request]) -> list[dict[str, int]]:
        """See `Store.count`."""
        found: dict[str, dict[str, int]] = {}
        async with self.transaction() as connection:
            people = await self.find(connection, requests)
            for table in self._schema.tables:
                owned = self._schema.owned(table)
                query = (
                    f"select {owned.person} as person from {owned.source} "
                    f"where {owned.person} = any($1::int[])"
                )
                counts = await self._by_request(connection, query, people)
                for request_id, count in counts.items():
                    found.setdefault(request_id, {})[table.name] = count
        return [found.get(one.request_id, {}) for one in requests]

    async def rows(self, request: Request) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Read by a cursor, and in one snapshot, so that what is handed over fits together."""
        async with (
            self._connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            people = list(await self.find(connection, [request], lock=False))
            for table in self._schema.tables if people else ():
                owned = self._schema.owned(table)
                query = (
                    f"select {table.name}.* from {owned.source} "
                    f"where {owned.person} = any($1::int[]) order by {table.name}.id"
                )
                async for record in connection.cursor(query, people, prefetch=_PAGE):
                    yield table.name, dict(record)

    async def totals(self) -> dict[str, int]:
        """See `Store.totals`."""
        async with self.transaction() as connection:
            return {
                table.name: await connection.fetchval(f"select count(*) from {table.name}")
                for table in self._schema.tables
            }

    @staticmethod
    async def _by_request(
        connection: Connection, rows: str, people: Mapping[int, str]
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        if people:
            query = f"with rows as ({rows}) select person, count(*) from rows group by person"
            for person, count in await connection.fetch(query, list(people)):
                counts[people[person]] += count
        return counts
