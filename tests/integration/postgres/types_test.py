"""What asyncpg asks the server about types, which a process asks once."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from dsr_runtime import postgres_types
from dsr_runtime.postgres import connect_pool

_ASKS_FOR_TYPES = "typeinfo_tree"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_types, "_known", {})


async def _asked(connection: Any, statement: str, *values: object) -> tuple[int, object]:
    """Return how often types were asked for to answer a statement, and the answer."""
    sent: list[str] = []
    with connection.query_logger(lambda query: sent.append(query.query)):
        answer = await connection.fetchval(statement, *values)
    return sum(_ASKS_FOR_TYPES in query for query in sent), answer


async def test_one_connection_asks_for_a_type_of_postgresql_and_the_others_know(
    database: str,
) -> None:
    pool = await connect_pool(database, size=3)
    async with AsyncExitStack() as held:
        connections = [await held.enter_async_context(pool.acquire()) for _ in range(3)]
        statement = "select array_agg(a || b) from unnest($1::bytea[], $2::bytea[]) as t (a, b)"
        found = [await _asked(one, statement, [b"x", b"y"], [b"1", b"2"]) for one in connections]
    await pool.close()
    assert found == [(1, [b"x1", b"y2"]), (0, [b"x1", b"y2"]), (0, [b"x1", b"y2"])]


async def test_a_type_that_a_database_made_is_asked_for_by_each_connection(database: str) -> None:
    """Its number is another type's in another database."""
    pool = await connect_pool(database, size=2)
    await pool.execute("create type mood as enum ('calm')")
    async with AsyncExitStack() as held:
        connections = [await held.enter_async_context(pool.acquire()) for _ in range(2)]
        found = [await _asked(one, "select $1::mood[]", ["calm"]) for one in connections]
    await pool.close()
    assert found == [(1, ["calm"]), (1, ["calm"])]


async def test_a_statement_without_a_name_is_answered_after_types_were_known(
    database: str,
) -> None:
    """Asking for types takes the place of the statement that was prepared without a name."""
    for _ in range(2):
        connection = await asyncpg.connect(
            database, connection_class=postgres_types.Connection, statement_cache_size=0
        )
        assert await connection.fetchval("select $1::smallint[]", [1, 2]) == [1, 2]
        await connection.close()
