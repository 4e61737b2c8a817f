"""PostgreSQL: locks named by keyed hashes, so that what is about one person is done one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import asyncpg

__all__ = ["lock_hashes"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_LOCK = "select pg_advisory_xact_lock(lock) from unnest($1::bigint[]) as asked (lock)"

_PLACES = 512
"""A transaction accepts 128 requests at most, each known by several hashes; PostgreSQL has room for 6,400 locks
of all transactions, unless it is set up otherwise."""


async def lock_hashes(
    connection: _Connection, hashes: Iterable[bytes], *, by_place: Iterable[bytes] = ()
) -> None:
    """Lock hashes until the caller's transaction ends.

    Neither of two that write at the same moment sees in the other's rows what is not committed. Waiting
    is a statement of its own: the one that looks then sees what the one that we waited for has
    committed. In the order of the locks, so that two never wait in a ring.

    Args:
        connection: In a transaction.
        hashes: Each has a lock of its own.
        by_place: Of which there are many: they share some hundred locks, so that no transaction fills
            PostgreSQL's table of them. Two that differ may wait for each other, for nothing.
    """
    locks = {int.from_bytes(one[:8], "big", signed=True) for one in hashes}
    locks |= {int.from_bytes(one[:8], "big") % _PLACES for one in by_place}
    if locks:
        await connection.execute(_LOCK, sorted(locks))
