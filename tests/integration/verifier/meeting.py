"""Ledgers whose transactions meet, so that they race, or are listened to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.adapters.transaction import PostgresTransaction


class Meeting(PostgresLedger):
    """A ledger whose transactions begin together: each waits until as many have begun."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], parties: int) -> None:
        super().__init__(pool)
        self._barrier = asyncio.Barrier(parties)
        self._left = parties

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with super().transaction() as transaction:
            if self._left:
                self._left -= 1
                await self._barrier.wait()
            yield transaction


class Listening(PostgresLedger):
    """A ledger that notes the statements of its transactions."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        super().__init__(pool)
        self.statements: list[str] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with super().transaction() as transaction:
            with transaction._connection.query_logger(
                lambda one: self.statements.append(one.query)
            ):
                yield transaction
