"""Grants: what a service's login may do with its tables, declared by the service and made so here.

A service's `grants` module names every table with what its statements need. The owner of the schema,
who migrates, gives that and takes back what is beyond it. A table that is not named is not touched: the
login can do nothing with a new one, and a test says that it has no line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module

import asyncpg

__all__ = ["Grants", "Privilege", "declared", "granted", "privileges_of", "settle"]

Grants = Mapping[str, tuple[str, ...]]
"""By table, as `schema.table`: `select`, `insert`, `update`, `delete`, `update(column, column)`, and
`maintain`, with which it may be vacuumed."""

_WITH_COLUMNS = re.compile(r"(?P<name>[a-z]+)(?:\((?P<columns>[a-z_, ]+)\))?")

_GRANTED = """
select n.nspname || '.' || c.relname as "table", lower(a.privilege_type) as name, '' as "column"
from pg_class c join pg_namespace n on n.oid = c.relnamespace
cross join lateral aclexplode(c.relacl) a
where a.grantee = $1::text::regrole and n.nspname = any($2::text[]) and c.relkind in ('r', 'p', 'v')
union all
select n.nspname || '.' || c.relname, lower(a.privilege_type), t.attname
from pg_attribute t join pg_class c on c.oid = t.attrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral aclexplode(t.attacl) a
where a.grantee = $1::text::regrole and n.nspname = any($2::text[])
"""


@dataclass(frozen=True, slots=True, order=True)
class Privilege:
    """One thing that may be done with one table, or with one of its columns."""

    table: str
    name: str
    column: str = ""
    """Empty where it is the whole table."""

    @property
    def words(self) -> str:
        """The privilege, as SQL has it between `grant` and `on`."""
        return f"{self.name} ({_quoted(self.column)})" if self.column else self.name


def declared(package: str) -> Grants:
    """Return what a service declares in its `grants` module."""
    grants: Grants = import_module(f"{package}.grants").GRANTS
    return grants


def privileges_of(grants: Grants) -> frozenset[Privilege]:
    """Return every single privilege of a declaration."""
    return frozenset(
        privilege for table, texts in grants.items() for privilege in _privileges(table, texts)
    )


async def granted(
    connection: asyncpg.Connection[asyncpg.Record], role: str, schemas: Iterable[str]
) -> frozenset[Privilege]:
    """Return what a login has been granted by name in these schemas."""
    rows = await connection.fetch(_GRANTED, _quoted(role), sorted(schemas))
    return frozenset(Privilege(row["table"], row["name"], row["column"]) for row in rows)


async def settle(connection: asyncpg.Connection[asyncpg.Record], role: str, grants: Grants) -> None:
    """Have a login with what is declared, and no more, on the tables that are named.

    Runs in the caller's transaction; repeating it changes nothing. Where the connection's own login is
    that one, it owns the tables, and nothing is done.
    """
    if role == await connection.fetchval("select current_user"):
        return
    login = _quoted(role)
    schemas = {table.partition(".")[0] for table in grants}
    for schema in sorted(schemas):
        await connection.execute(f"grant usage on schema {_quoted(schema)} to {login}")
    wanted = privileges_of(grants)
    found = {one for one in await granted(connection, role, schemas) if one.table in grants}
    for one in sorted(found - wanted):
        await connection.execute(f"revoke {one.words} on {_table(one.table)} from {login}")
    for one in sorted(wanted - found):
        await connection.execute(f"grant {one.words} on {_table(one.table)} to {login}")


def _privileges(table: str, texts: Iterable[str]) -> Iterable[Privilege]:
    for text in texts:
        found = _WITH_COLUMNS.fullmatch(text)
        if found is None:
            raise ValueError(f"{table}: {text!r} is no privilege")
        for column in (found["columns"] or "").split(","):
            yield Privilege(table, found["name"], column.strip())


def _table(name: str) -> str:
    schema, _, table = name.partition(".")
    return f"{_quoted(schema)}.{_quoted(table)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
