"""Fixtures of the verifier's integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from unit.verifier.world import World, a_registry_view

from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.bootstrap import BY_INDEX


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(database: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """Connections to a database with the verifier's schema."""
    pool = await connect_pool(database, size=8, server_settings=BY_INDEX)
    await migrate(database, package="dsr_verifier", schema="verifier")
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(pool: asyncpg.Pool[asyncpg.Record]) -> World:
    """The application on the real ledger."""
    return World(PostgresLedger(pool), a_registry_view())
