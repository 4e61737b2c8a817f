"""Intake's fixtures: one process a module, on the real Kafka and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dsr_runtime.http.app import HttpServer
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_runtime.process import Process
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.post import MailServer, mail_server
from support.services import free_port


@pytest.fixture(scope="module")
async def verifier() -> AsyncIterator[VerifierDouble]:
    double, port = VerifierDouble(), free_port()
    process = Process()
    server = HttpServer(double.app(), host="127.0.0.1", port=port)
    process.spawn(server.run(), stop=server.stop)
    double.url = f"http://127.0.0.1:{port}"
    yield double
    process.stopping.set()
    await process.wait()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the keys are that replicas share."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection, database: str, verifier: VerifierDouble, keys: Path
) -> AsyncIterator[Intake]:
    async with running_intake(kafka, database, verifier.url, keys) as running:
        yield running


@pytest.fixture(scope="module")
async def publisher(kafka: KafkaConnection) -> AsyncIterator[Publisher]:
    one = Publisher(kafka, client_id="tests")
    await one.start()
    yield one
    await one.stop()


@pytest.fixture(scope="module")
async def post() -> AsyncIterator[MailServer]:
    """A mail server for intake's letters."""
    async with mail_server() as server:
        yield server


@pytest.fixture(scope="session")
def topics(kafka: KafkaConnection) -> Topics:
    return Topics(kafka)
