"""The ledger in PostgreSQL: its transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_runtime.postgres import translated
from dsr_verifier.adapters import statements
from dsr_verifier.adapters.plans import Plans
from dsr_verifier.adapters.told_closures import ToldClosures, told_closures
from dsr_verifier.adapters.transaction import PostgresTransaction

__all__ = ["PostgresLedger"]


class PostgresLedger:
    """The Ledger in schema `verifier`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool
        self._plans = Plans()
        self._told: ToldClosures | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """Return a transaction: committed when left, undone when left by an error."""
        # A foreign key is broken where another transaction has just taken the parked record away.
        with translated(asyncpg.ForeignKeyViolationError):
            async with self._pool.acquire() as connection, connection.transaction():
                if self._told is None:
                    # Once a process: who fills the table has the verifier stopped.
                    self._told = await told_closures(connection)
                yield PostgresTransaction(connection, self._plans, self._told)

    async def joinable(self, limit: int) -> list[RequestId]:
        """Return requests that are known and for which answers are parked, by systems that owe them."""
        return await self._request_ids(statements.JOINABLE, limit)

    async def amendable(self, limit: int) -> list[RequestId]:
        """Return requests that are known and for which amendments wait."""
        return await self._request_ids(statements.AMENDABLE, limit)

    async def parked_count(self) -> int:
        """Return how many answers are parked."""
        with translated():
            return int(await self._pool.fetchval(statements.PARKED_COUNT))

    async def prune_changes(self, before: datetime, limit: int) -> int:
        """Drop the oldest rows of the change feed, if they are older; return how many."""
        with translated():
            status = await self._pool.execute(statements.PRUNE_CHANGES, before, limit)
        return int(status.rsplit(" ", 1)[-1])

    async def _request_ids(self, statement: str, limit: int) -> list[RequestId]:
        with translated():
            rows = await self._pool.fetch(statement, limit)
        return [RequestId(str(row["request_id"])) for row in rows]
