"""Fixtures of the verifier's integration tests."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
from integration.verifier.group import Group
from integration.verifier.processes import INPUTS, TOKEN, Verifier
from unit.verifier.world import REGISTRY, World, a_registry_view, keys_of

from dsr_cli.stack import Stack
from dsr_cli.stack.roles import login_of, owner_of
from dsr_core.registry import Registry
from dsr_runtime.health import Health
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_verifier.adapters.certifying import Certificates
from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.adapters.log import Log
from dsr_verifier.adapters.reads import PostgresViews
from dsr_verifier.bootstrap import BY_INDEX
from dsr_verifier.http.app import read_api
from dsr_verifier.metrics import Metrics
from dsr_wire.certificate.published import PublishedKeys
from support.parts import as_user
from support.topics import begin_at_the_end
from support.transparency import a_signer

ORIGIN = "log.example.test/certificates"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(database: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """Connections to a database with the verifier's schema, with the verifier's own rights."""
    login = login_of("verifier")
    pool = await connect_pool(as_user(database, login), size=8, server_settings=BY_INDEX)
    owner = as_user(database, owner_of("verifier"))
    await migrate(owner, package="dsr_verifier", schema="verifier", login=login)
    yield pool
    await pool.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def super_user(
    database: str, pool: asyncpg.Pool[asyncpg.Record]
) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """Connections of one whom no grant binds, to the same tables."""
    del pool  # it has migrated
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as connections:
        yield connections


@pytest_asyncio.fixture(loop_scope="session")
async def world(pool: asyncpg.Pool[asyncpg.Record]) -> World:
    """The application on the real ledger."""
    return World(PostgresLedger(pool), a_registry_view())


@pytest.fixture(scope="module")
def certificates(pool: asyncpg.Pool[asyncpg.Record]) -> Certificates:
    """Certificates from that database, under the keys of the small world."""
    systems = [keys_of(one.id).public for one in REGISTRY.systems]
    keys = PublishedKeys.of(systems, log=[a_signer(ORIGIN).public], witnesses=())
    return Certificates(pool, Log(pool), published=lambda: keys)


@pytest_asyncio.fixture(loop_scope="session")
async def client(
    pool: asyncpg.Pool[asyncpg.Record], certificates: Certificates
) -> AsyncIterator[httpx.AsyncClient]:
    """The read API over that database."""
    app = read_api(
        PostgresViews(pool),
        Log(pool),
        certificates,
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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def publisher(kafka: KafkaConnection) -> AsyncIterator[Publisher]:
    """A publisher that lasts as long as the module."""
    publisher = Publisher(kafka, client_id="tests")
    await publisher.start()
    yield publisher
    await publisher.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def group(stack: Stack, registry: Registry) -> Group:
    """The example group."""
    return Group(stack, registry)


@pytest_asyncio.fixture(loop_scope="session")
async def verifier(kafka: KafkaConnection, database: str, tmp_path: Path) -> Verifier:
    """A verifier that is not started, of a group that has seen all there is."""
    group_id = f"dsr.verifier.test-{uuid.uuid4().hex[:8]}"
    await begin_at_the_end(kafka, group_id, INPUTS)
    return Verifier(kafka, database, group_id, tmp_path / "verifier.log")
