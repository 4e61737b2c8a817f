"""Tables, and how the rows of a table belong to a person."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

__all__ = [
    "OPT_OUTS",
    "RESTRICTIONS",
    "STATEMENTS",
    "Erasure",
    "Request",
    "Rows",
    "Schema",
    "Store",
    "Table",
    "opt_outs",
    "restrictions",
    "statements",
]

_REFERENCE = re.compile(r"(\w+)[^,]*? references (\w+)")


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Its first column is `id`; a column that `references` a table is its owner."""

    name: str
    columns: str
    """As in `create table`, so that what is read here is what is created."""

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns in order."""
        return tuple(column.split()[0] for column in self.columns.split(","))

    @property
    def owner(self) -> tuple[str, str] | None:
        """The column that names the owning row, and the table that it is in."""
        found = _REFERENCE.search(self.columns)
        return (found[1], found[2]) if found else None


OPT_OUTS = "opt_outs"
"""The table of the people whose data is used for no marketing, and neither sold nor shared."""


RESTRICTIONS = "restrictions"
"""The table of the people whose data is kept and not used."""


STATEMENTS = "statements"
"""The table of what people say of data on them that was not corrected: it stands beside the data."""


def opt_outs(people: str) -> Table:
    """Return that table for a system that keeps people in another; a row goes with its person."""
    return _marks(OPT_OUTS, people)


def restrictions(people: str) -> Table:
    """Return that table for a system that keeps people in another; a row goes with its person."""
    return _marks(RESTRICTIONS, people)


def statements(people: str) -> Table:
    """Return that table for a system that keeps people in another; a row goes with its person."""
    return _marks(STATEMENTS, people, "statement text not null")


def _marks(name: str, people: str, *more: str) -> Table:
    columns = (
        "id integer primary key",
        f"person integer not null references {people}",
        "since text",
    )
    return Table(name, ", ".join((*columns, *more)))


@dataclass(frozen=True, slots=True)
class Owned:
    """How to get from the rows of a table to the person that they are about."""

    table: str
    joins: tuple[tuple[str, str, str], ...]
    """(table, column, owner): the tables between, each joined to its owner by its column."""

    person: str
    """The column that holds the person's id."""

    @property
    def source(self) -> str:
        """What stands behind `from`."""
        steps = (
            f" join {owner} on {name}.{column} = {owner}.id" for name, column, owner in self.joins
        )
        return self.table + "".join(steps)


class Schema:
    """The tables of one system. The first holds people; all others are owned by it."""

    def __init__(
        self,
        *tables: Table,
        known_by: Mapping[str, str],
        also: str = "",
        corrects: Mapping[str, str] | None = None,
        file_format: Literal["jsonl", "csv"] = "jsonl",
    ) -> None:
        """Describe a system's data.

        Args:
            tables: Owners before what they own.
            known_by: The column of the first table for each kind of identifier.
            corrects: The column of the first table that can be put right, for each category.
            also: A statement that creates what is not about people.
            file_format: What the tables are, where they are plain files.
        """
        self.tables = tables
        self.known_by = known_by
        self.also = also
        self.corrects = dict(corrects or {})
        self.file_format: Literal["jsonl", "csv"] = file_format
        self.people = tables[0].name
        self._by_name = {table.name: table for table in tables}

    def owned(self, table: Table) -> Owned:
        """Follow the owners from a table up to its person."""
        joins: list[tuple[str, str, str]] = []
        name, person = table.name, f"{table.name}.id"
        while (owner := self._by_name[name].owner) is not None:
            column, above = owner
            person = f"{name}.{column}"
            if above == self.people:
                break
            joins.append((name, column, above))
            name = above
        return Owned(table.name, tuple(joins), person)

    @property
    def owned_first(self) -> Iterable[Table]:
        """The tables in the order in which rows can be deleted."""
        return reversed(self.tables)

    def statements(self) -> Iterable[str]:
        """Yield what creates the tables, and the indexes that erasing by identifier needs."""
        for table in self.tables:
            yield f"create table {table.name} ({table.columns})"
            if table.owner:
                column = table.owner[0]
                yield f"create index {table.name}_{column} on {table.name} ({column})"
        for column in self.known_by.values():
            yield f"create index {self.people}_{column} on {self.people} ({column})"
        if self.also:
            yield self.also

    def wanted(self, requests: Iterable[Request]) -> dict[str, dict[str, str]]:
        """Return, for each column that people are known by, the request of each value asked for."""
        columns: dict[str, dict[str, str]] = {column: {} for column in self.known_by.values()}
        for request in requests:
            for kind, column in self.known_by.items():
                for value in request.identity.values(kind):
                    columns[column].setdefault(value, request.request_id)
        return columns


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done under one request: kept as a record, so that it can be answered again."""

    erased: int
    kept: int = 0
    review_at: datetime | None = None


class Rows:
    """Rows to seed a system with, by table. Ids count from 1."""

    def __init__(self) -> None:
        self.by_table: dict[str, list[tuple[Any, ...]]] = defaultdict(list)

    def add(self, table: str, *values: Any) -> int:
        """Add a row and return its id."""
        rows = self.by_table[table]
        number = len(rows) + 1
        rows.append((number, *values))
        return number


class Identity(Protocol):
    """What the SDK's identity can do, as far as stores need it."""

    def values(self, kind: str) -> tuple[str, ...]:
        """Return every value of a kind."""
        ...


class Request(Protocol):
    """What the SDK's requests have, as far as stores need it."""

    @property
    def request_id(self) -> str:
        """The request's id."""
        ...

    @property
    def identity(self) -> Identity:
        """Who it is about."""
        ...


class Store(Protocol):
    """What every store can do, whatever it is made of."""

    async def is_seeded(self) -> bool:
        """Tell whether the tables were ever made; erasing everybody does not change that."""
        ...

    async def seed(self, rows: Callable[[], Rows]) -> bool:
        """Create the tables and fill them, or do nothing if they are there, rows or none.

        `rows` is only called when it is needed. Returns whether it was.
        """
        ...

    async def erase(self, requests: Sequence[Request]) -> list[Erasure | None]:
        """Delete all rows of these people, and record it by request; in request order.

        Asked again with a request that is on record, it answers from the record. None means that
        nothing was found.
        """
        ...

    async def mark(self, request: Request, table: str) -> int:
        """Keep that a person stands in `opt_outs` or `restrictions`; asked again it changes nothing.

        Only what has that table can. Returns how many records of people this concerns.
        """
        ...

    async def attach(self, request: Request, statement: str) -> int:
        """Keep in `statements` what a person says of the data on them; asked again it changes nothing.

        Only what has that table can. Returns how many records of people this concerns.
        """
        ...

    async def correct(self, request: Request, values: Mapping[str, str]) -> tuple[int, int]:
        """Put a person's values right, by column; asked again it changes nothing.

        Returns how many records there are, and how many were wrong.
        """
        ...

    async def count(self, requests: Sequence[Request]) -> list[dict[str, int]]:
        """Count the rows of these people by table, in request order; empty where there are none."""
        ...

    def rows(self, request: Request) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield the rows of one person, each with its table; table by table, in the order of their ids.

        A page of them is in memory, however many there are. Nobody who erases waits for the end.
        """
        ...

    async def totals(self) -> dict[str, int]:
        """Count all rows by table."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
