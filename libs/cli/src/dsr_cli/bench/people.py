"""The data of a benchmark: people in the tables of every system, and what is left of them.

Tables are named by schema, system and number, and nothing else, so that the systems' processes find
them without being told more than the schema.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import asyncpg

from dsr_cli.errors import CommandError

__all__ = ["TABLES", "People", "check_erased", "load", "tables"]

TABLES = 5
"""Tables of each system that hold a row of every person."""

_BYSTANDERS = 50
_VALUE = "something that the system knows"


@dataclass(frozen=True, slots=True)
class People:
    """Random account ids: who is asked to warm up, who is measured, and who must stay."""

    warm_up: tuple[str, ...]
    asked: tuple[str, ...]
    bystanders: tuple[str, ...]

    @classmethod
    def of(cls, requests: int, *, warm_up: int) -> People:
        """Make people for so many requests."""
        return cls(_ids(warm_up), _ids(requests), _ids(_BYSTANDERS))

    @property
    def everyone(self) -> tuple[str, ...]:
        """All of them."""
        return self.warm_up + self.asked + self.bystanders


def tables(schema: str, systems: int) -> Iterator[str]:
    """Yield the names of all tables."""
    for system in range(1, systems + 1):
        for table in range(1, TABLES + 1):
            yield f"{schema}.data_{system}_{table}"


async def load(connection: asyncpg.Connection, schema: str, systems: int, people: People) -> None:
    """Make the tables anew, with a row of every person in each."""
    await connection.execute(f"drop schema if exists {schema} cascade")
    await connection.execute(f"create schema {schema}")
    rows = [(person, _VALUE) for person in people.everyone]
    for name in tables(schema, systems):
        await connection.execute(f"create table {name} (person text not null, value text not null)")
        await connection.copy_records_to_table(
            name.partition(".")[2], schema_name=schema, records=rows
        )
        await connection.execute(f"create index on {name} (person)")
        await connection.execute(f"analyze {name}")


async def check_erased(
    connection: asyncpg.Connection, schema: str, systems: int, people: People
) -> int:
    """Return how many rows of the people asked for are left.

    Raises:
        CommandError: Rows are gone of people that nobody asked for.
    """
    left = 0
    for name in tables(schema, systems):
        left += await _rows(connection, name, people.warm_up + people.asked)
        kept = await _rows(connection, name, people.bystanders)
        if kept != len(people.bystanders):
            raise CommandError(
                f"{len(people.bystanders) - kept} rows are gone from {name} that nobody asked for"
            )
    return left


async def _rows(connection: asyncpg.Connection, name: str, people: Sequence[str]) -> int:
    count = await connection.fetchval(
        f"select count(*) from {name} where person = any($1)", list(people)
    )
    return int(count)


def _ids(count: int) -> tuple[str, ...]:
    return tuple(uuid.uuid4().hex for _ in range(count))
