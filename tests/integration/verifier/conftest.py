"""Fixtures of the verifier's integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import httpx
import pytest_asyncio
from integration.verifier.processes import TOKEN
from unit.verifier.world import World, a_registry_view

from dsr_runtime.health import Health
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.adapters.reads import PostgresViews
from dsr_verifier.bootstrap import BY_INDEX
from dsr_verifier.http.app import read_api
from dsr_verifier.metrics import Metrics


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


@pytest_asyncio.fixture(loop_scope="session")
async def client(pool: asyncpg.Pool[asyncpg.Record]) -> AsyncIterator[httpx.AsyncClient]:
    """The read API over that database."""
    app = read_api(
        PostgresViews(pool),
        token=TOKEN,
        health=Health(),
        metrics=Metrics(),
        changes_for=timedelta(days=1),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://verifier.test",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client
