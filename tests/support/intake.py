"""Intake as it runs, beside a verifier that says what a test tells it, and a reader of topics."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from fastapi import FastAPI, Response

from dsr_cli.stack.roles import login_of, owner_of
from dsr_intake import bootstrap
from dsr_intake.bootstrap.officer import add_officer
from dsr_intake.settings import Settings
from dsr_runtime.http.problems import Problem, install
from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.process import Process
from dsr_runtime.settings import PostgresSettings
from support.parts import as_user
from support.services import free_port
from support.waiting import eventually

TOKEN = "internal-token-of-the-tests"


@dataclass
class VerifierDouble:
    """The verifier's read API over what a test puts here."""

    url: str = ""
    obligations: dict[str, dict[str, Any]] = field(default_factory=dict)
    closures: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    certificates: dict[str, bytes | None] = field(default_factory=dict)
    """By request; none of one that the log does not cover yet."""

    links_told: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    polls: int = 0
    is_away: bool = False
    refused: list[str] = field(default_factory=list)
    """The requests that were asked about while it was away."""

    def keeps(self, request_id: str, *kept: tuple[str, dict[str, Any]]) -> None:
        """Show what is owed for a request: some systems keep data, with one exemption each."""
        self.obligations[request_id] = {
            "request_id": request_id,
            "obligations": [
                {"system_id": system_id, "exemptions": [exemption]} for system_id, exemption in kept
            ],
        }

    def erased(self, request_id: str, *system_ids: str) -> None:
        """Show what is owed for a request: systems that erased, or looked again and found nothing."""
        self.obligations[request_id] = {
            "request_id": request_id,
            "obligations": [
                {"system_id": one, "exemptions": [], "disposition": "absent", "settled_by": None}
                for one in system_ids
            ],
        }

    def confirm(self, request_id: str, system_id: str) -> None:
        """Report that a system has confirmed."""
        self.changes.append(
            {
                "cursor": str(len(self.changes) + 1),
                "request_id": request_id,
                "system_id": system_id,
                "disposition": "erased",
                "is_confirmed": True,
                "at": "2026-03-02T09:30:00Z",
            }
        )

    def app(self) -> FastAPI:
        app = FastAPI()
        install(app)

        @app.get("/v1/requests/{request_id}/certificate")
        async def certificate(request_id: str) -> Response:
            if request_id not in self.certificates:
                raise Problem(404, "not_closed", "unknown")
            found = self.certificates[request_id]
            if found is None:
                raise Problem(409, "certificate_pending", "not yet")
            return Response(found, media_type="application/json")

        @app.get("/v1/evidence-keys")
        async def evidence_keys() -> Response:
            return Response(b'{"v":1}\n', media_type="application/json")

        @app.get("/v1/requests/{request_id}/{part}")
        async def read(request_id: str, part: str) -> dict[str, Any]:
            if self.is_away:
                self.refused.append(request_id)
                raise Problem(503, "unavailable", "the ledger is away")
            parts = {"obligations": self.obligations, "acknowledgements": self.answers}
            found = parts.get(part, self.closures).get(request_id)
            if found is None:
                raise Problem(404, "not_found", "unknown")
            return found

        @app.get("/v1/changes")
        async def feed(limit: int, after: int | None = None) -> dict[str, Any]:
            self.polls += 1
            start = len(self.changes) if after is None else after
            page = self.changes[start : start + limit]
            return {"changes": page, "cursor": page[-1]["cursor"] if page else str(start)}

        self._add_links(app)
        return app

    def _add_links(self, app: FastAPI) -> None:
        @app.post("/v1/links:read")
        async def links(asked: dict[str, list[str]]) -> dict[str, Any]:
            if self.is_away:
                raise Problem(503, "unavailable", "the ledger is away")
            found = (self.links_told.get(one) for one in asked["request_ids"])
            return {"requests": [one for one in found if one is not None]}


@dataclass
class Intake:
    """A running intake, a client of it, and its database."""

    url: str
    http: httpx.AsyncClient
    pool: asyncpg.Pool[asyncpg.Record]
    officer: dict[str, str]
    """The header of a privacy officer."""

    desk: dict[str, str] = field(default_factory=dict)
    """The header of an operator who sees everything, and is who decides unless another is named."""

    counsel: dict[str, str] = field(default_factory=dict)
    """The header of another one."""

    api_key: str = ""
    process: Process | None = None
    """Itself, where it runs in the test's own process."""

    @property
    def internal(self) -> dict[str, str]:
        """The header of a service."""
        return {"authorization": f"Bearer {TOKEN}"}

    async def client(self, **body: Any) -> dict[str, str]:
        """Make somebody with an API key, a client unless told otherwise, and return their header."""
        return (await self.made(**body))[1]

    async def operator(self, *jurisdictions: str, **body: Any) -> dict[str, str]:
        """Make an operator, and return their header."""
        where = list(jurisdictions) or ["*"]
        return await self.client(role="operator", jurisdictions=where, **body)

    async def made(self, **body: Any) -> tuple[str, dict[str, str]]:
        """Make somebody with an API key, and return their id and header."""
        answer = await self.http.post(
            "/internal/v1/clients",
            headers=self.officer,
            json={"name": "web shop", "reason": "a shop opens"} | body,
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return answer.json()["client_id"], bearer(answer.json()["api_key"])


def bearer(key: str) -> dict[str, str]:
    """Return the header that a key is sent in."""
    return {"authorization": f"Bearer {key}"}


async def an_officer(dsn: str) -> dict[str, str]:
    """Make a privacy officer as whoever has the database does, and return the header."""
    settings = PostgresSettings.model_validate(
        {
            "postgres_dsn": as_user(dsn, login_of("intake")),
            "postgres_migration_dsn": as_user(dsn, owner_of("intake")),
        }
    )
    return bearer(await add_officer(settings, "officer"))


def intake_fields(
    kafka: KafkaConnection, dsn: str, verifier_url: str, folder: Path
) -> dict[str, object]:
    """Return intake's settings by their names, the port apart; its keys are made in a folder."""
    for name in ("kek", "lookup", "package"):
        (folder / name).write_text(base64.b64encode(name.ljust(32).encode()).decode())
    return {
        "internal_token": TOKEN,
        "kafka_bootstrap": kafka.bootstrap,
        "kafka_security_protocol": kafka.security_protocol,
        "kafka_username": kafka.username,
        "kafka_password": kafka.password,
        "kafka_ca_file": kafka.ca_file,
        "postgres_dsn": as_user(dsn, login_of("intake")),
        "postgres_migration_dsn": as_user(dsn, owner_of("intake")),
        "verifier_url": verifier_url,
        "key_encryption_key_file": folder / "kek",
        "lookup_key_file": folder / "lookup",
        "package_key_file": folder / "package",
        "package_store_url": (folder / "store").as_uri(),
        "intake_links_duplicates": False,  # the same person asks in many a test
        "breaker_floor": 1_000_000,  # and many may be erased
    }


def environment_of(fields: Mapping[str, object]) -> dict[str, str]:
    """Return settings as a process finds them."""
    return {f"DSR_{name.upper()}": str(value) for name, value in fields.items()}


@asynccontextmanager
async def running_intake(
    kafka: KafkaConnection, dsn: str, verifier_url: str, folder: Path, **changes: Any
) -> AsyncIterator[Intake]:
    port = free_port()
    fields = intake_fields(kafka, dsn, verifier_url, folder)
    settings = Settings.model_validate(fields | {"http_port": port} | changes)
    process = Process()
    await bootstrap.start(process, settings)
    async with reached_intake(f"http://127.0.0.1:{port}", dsn) as intake:
        intake.process = process
        try:
            yield intake
        finally:
            process.stopping.set()
            assert await process.wait() == 0


@asynccontextmanager
async def reached_intake(url: str, dsn: str) -> AsyncIterator[Intake]:
    """Give a client of an intake that has been started, once it is ready."""
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4)
    async with pool, httpx.AsyncClient(base_url=url, timeout=30) as http:
        intake = Intake(url, http, pool, await an_officer(dsn))

        async def is_ready() -> bool:
            return (await http.get("/readyz")).status_code == httpx.codes.OK

        await eventually(is_ready, within=30)
        intake.desk, intake.counsel = await intake.operator(), await intake.operator()
        intake.api_key = (await intake.client())["authorization"]
        http.headers["authorization"] = intake.api_key
        yield intake


@dataclass
class Topics:
    """Reads whole topics."""

    kafka: KafkaConnection

    async def find(self, topic: str, keys: set[str], count: int) -> list[ConsumerRecord]:
        """Return the records of some keys, waiting until there are that many."""
        consumer = AIOKafkaConsumer(
            topic,
            **self.kafka.arguments(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        found: list[ConsumerRecord] = []

        async def are_there() -> bool:
            batches = await consumer.getmany(timeout_ms=200)
            found.extend(
                record
                for batch in batches.values()
                for record in batch
                if record.key.decode() in keys
            )
            return len(found) >= count

        try:
            await eventually(are_there, within=20)
        finally:
            await consumer.stop()
        return found
