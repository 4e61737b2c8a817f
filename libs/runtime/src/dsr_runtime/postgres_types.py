"""PostgreSQL's types: looked up once a process, and not once a connection.

Before asyncpg sends the first array of a kind on a connection, it asks the server what that type is, with
a query that takes the server some 13 ms to plan. What PostgreSQL brings itself has the same number and
form in every database, so what one connection has learnt of it holds for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg

__all__ = ["Connection"]

_FIRST_MADE = 16_384
"""PostgreSQL's `FirstNormalObjectId`: lower numbers are its own types, the same in every database."""

_known: dict[frozenset[int], Any] = {}


@dataclass(frozen=True, slots=True)
class _AskedBefore:
    """Stands for the query that was not sent, and so took no other statement's place."""

    name: str = "asked before"


class Connection(asyncpg.Connection):
    """A connection that asks for no type that another one of this process has asked for.

    asyncpg has no public place for it; were it to rename its own, each connection would ask again.
    """

    async def _introspect_types(self, typeoids: Any, *patience: Any) -> Any:
        """Return the rows that describe types, and the statement that read them, as asyncpg expects."""
        wanted = frozenset(typeoids)
        rows = _known.get(wanted)
        if rows is not None:
            return rows, _AskedBefore()
        asyncpg_s: Any = super()
        rows, statement = await asyncpg_s._introspect_types(typeoids, *patience)  # noqa: SLF001 - as above
        if max(wanted) < _FIRST_MADE:
            _known[wanted] = rows
        return rows, statement
