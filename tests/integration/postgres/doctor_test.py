"""The doctor at a real PostgreSQL: a clock that is off, and a schema that is not at its service's version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from prometheus_client import CollectorRegistry

from dsr_cli.doctor import places
from dsr_cli.doctor.findings import Finding, State, examined
from dsr_cli.doctor.installation import looks
from dsr_cli.stack import Stack
from dsr_cli.stack.roles import SCHEMAS, login_of, owner_of
from dsr_runtime.health import Health
from dsr_runtime.http.app import HttpServer, starting_app
from dsr_runtime.migrations import newest_version
from support.parts import ROOT, as_user, fresh_database, make_schemas
from support.services import free_port
from support.waiting import eventually

NEWEST = {service: newest_version(f"dsr_{service}") for service in SCHEMAS}
NOBODY = dict.fromkeys(SCHEMAS, "http://127.0.0.1:9")

CLOCK = """
create schema wrong;
create function wrong.clock_timestamp() returns timestamptz language sql
    as 'select pg_catalog.clock_timestamp() + interval ''{ahead}''';
"""
"""A clock that is found before PostgreSQL's own by who looks in this schema first."""


@pytest.fixture
def empty(stack: Stack) -> Iterator[str]:
    """An empty database for one test; its address as the super user."""
    with fresh_database(stack) as dsn:
        yield dsn


@dataclass(frozen=True, slots=True)
class Apart:
    """Two databases with a service's schemas each; their addresses as the super user."""

    intake: str
    verifier: str


@pytest.fixture(scope="module")
async def apart(stack: Stack) -> AsyncIterator[Apart]:
    """A database for each service."""
    with fresh_database(stack) as intake, fresh_database(stack) as verifier:
        await make_schemas(intake, "intake")
        await make_schemas(verifier, "verifier")
        yield Apart(intake, verifier)


@pytest.fixture
async def answering() -> AsyncIterator[dict[str, str]]:
    """Where something answers as each service says what it is, with the schema that it needs."""
    async with _answering("intake") as intake, _answering("verifier") as verifier:
        yield {"intake": intake, "verifier": verifier}


@asynccontextmanager
async def _answering(service: str) -> AsyncIterator[str]:
    health = Health(schema=NEWEST[service])
    app = starting_app(health=health, metrics=CollectorRegistry())
    port = free_port()
    server = HttpServer(app, host="127.0.0.1", port=port)
    running = asyncio.create_task(server.run())
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            await eventually(lambda: _is_up(http, url), what=f"{service} answers")
        yield url
    finally:
        server.stop()
        await running


async def _is_up(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/livez")).is_success
    except httpx.ConnectError:
        return False


async def executed(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def seen(dsn: str, urls: dict[str, str]) -> dict[str, Finding]:
    found = await asyncio.to_thread(lambda: list(places.postgres(dsn, urls)))
    return {one.part.removeprefix("postgresql: "): one for one in found}


@pytest.mark.parametrize("ahead", [3600, -90])
async def test_a_clock_that_is_off_is_told_with_how_far(empty: str, ahead: int) -> None:
    told = await clock_of(empty, f"{ahead} seconds")
    assert told.state is State.WARNING
    off = float(told.seen.removesuffix(" s beside this machine's"))
    # What an answer took on its way may be the difference, and is not counted as one.
    assert 0 <= abs(ahead) - off * (1 if ahead > 0 else -1) < 5
    assert "NTP" in told.todo


async def test_a_clock_a_little_ahead_is_well(empty: str) -> None:
    told = await clock_of(empty, "0.5 seconds")
    assert (told.state, told.seen) == (State.OK, "within 1 s of this machine's")


async def clock_of(dsn: str, ahead: str) -> Finding:
    await executed(dsn, CLOCK.format(ahead=ahead))
    found = await seen(f"{dsn}?options=-c%20search_path%3Dwrong,pg_catalog", NOBODY)
    return found["clock"]


async def test_schemas_at_their_services_versions_are_well(
    migrated: str, answering: dict[str, str]
) -> None:
    found = await seen(migrated, answering)
    assert all(one.state is State.OK for one in found.values()), found
    for service, newest in NEWEST.items():
        assert found[f"schema {service}"].seen == f"at {newest}, as the service needs"


@pytest.mark.parametrize("service", SCHEMAS)
async def test_a_schema_behind_its_service_is_a_fault(
    migrated: str, answering: dict[str, str], service: str
) -> None:
    told = await schema_at("0001", migrated, answering, service)
    assert told.state is State.FAULT
    assert told.seen == f"at 0001, and the service needs {NEWEST[service]}"
    assert f"dsr-{service} migrate" in told.todo


@pytest.mark.parametrize("service", SCHEMAS)
async def test_a_schema_ahead_of_its_service_is_an_upgrade_that_was_begun(
    migrated: str, answering: dict[str, str], service: str
) -> None:
    told = await schema_at("9999", migrated, answering, service)
    assert told.state is State.WARNING
    assert told.seen.startswith("at 9999, ")
    assert NEWEST[service] in told.seen
    assert "finish the upgrade" in told.todo


async def schema_at(at: str, dsn: str, urls: dict[str, str], service: str) -> Finding:
    """Return what is found of a schema at another version; all else is well."""
    changed = f"update {service}.alembic_version set version_num = "
    await executed(dsn, f"{changed}'{at}'")
    try:
        found = await seen(dsn, urls)
    finally:
        await executed(dsn, f"{changed}'{NEWEST[service]}'")
    told = found.pop(f"schema {service}")
    assert all(one.state is State.OK for one in found.values()), found
    return told


async def test_a_schema_that_is_not_there_is_a_fault(empty: str, answering: dict[str, str]) -> None:
    found = await seen(empty, answering)
    for service in SCHEMAS:
        told = found[f"schema {service}"]
        assert (told.state, told.seen) == (State.FAULT, "is not there")
        assert f"dsr-{service} migrate" in told.todo


async def test_where_no_service_says_what_it_needs_only_the_version_is_told(migrated: str) -> None:
    found = await seen(migrated, NOBODY)
    for service, newest in NEWEST.items():
        told = found[f"schema {service}"]
        assert (told.state, told.todo) == (State.OK, "")
        assert told.seen == f"at {newest}; the service does not say what it needs"


@pytest.mark.parametrize(
    ("user", "reads"),
    [(owner_of("intake"), {"intake"}), (login_of("verifier"), set[str]())],
    ids=["owner", "login"],
)
async def test_a_login_that_may_not_read_a_schema_is_no_fault_of_postgresql(
    migrated: str, answering: dict[str, str], user: str, reads: set[str]
) -> None:
    found = await seen(as_user(migrated, user), answering)
    assert all(one.state is State.OK for one in found.values()), found
    assert found.keys() == {"postgresql", "clock", *(f"schema {one}" for one in SCHEMAS)}
    for service in SCHEMAS:
        told = found[f"schema {service}"]
        assert told.is_skipped is (service not in reads)
        assert (f"{service}.alembic_version" in told.todo) is told.is_skipped


async def test_a_server_that_is_away_is_a_fault() -> None:
    [told] = (await seen("postgresql://dsr:secret@127.0.0.1:9/dsr", NOBODY)).values()
    assert told.state is State.FAULT
    assert "secret" not in told.seen


async def looked_at(
    monkeypatch: pytest.MonkeyPatch, urls: dict[str, str], **dsns: str
) -> dict[str, Finding]:
    """Return what is seen of the databases that the environment names."""
    for service, url in urls.items():
        monkeypatch.setenv(f"DSR_{service.upper()}_URL", url)
    for name, dsn in dsns.items():
        monkeypatch.setenv(f"DSR_{name}", dsn)
    found = looks(ROOT / "registry", within=20)
    databases = {
        name: look
        for name, look in found.items()
        if name.startswith("postgresql") and not name.endswith("certificate")
    }
    seen = await asyncio.to_thread(examined, databases, within=20)
    return {one.part: one for one in seen}


async def test_each_service_s_own_database_is_looked_at(
    apart: Apart, answering: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await looked_at(
        monkeypatch,
        answering,
        INTAKE_POSTGRES_DSN=as_user(apart.intake, owner_of("intake")),
        VERIFIER_POSTGRES_DSN=as_user(apart.verifier, owner_of("verifier")),
    )
    assert found.keys() == {
        f"postgresql of {service}{part}"
        for service in SCHEMAS
        for part in ("", ": clock", f": schema {service}")
    }
    assert all(one.state is State.OK and not one.is_skipped for one in found.values()), found


async def test_one_that_is_away_does_not_hide_the_other(
    apart: Apart, answering: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await looked_at(
        monkeypatch,
        answering,
        POSTGRES_DSN=apart.intake,
        VERIFIER_POSTGRES_DSN="postgresql://dsr:secret@127.0.0.1:9/dsr",
    )
    assert found["postgresql of intake: schema intake"].state is State.OK
    away = found["postgresql of verifier"]
    assert away.state is State.FAULT
    assert "DSR_VERIFIER_POSTGRES_DSN" in away.todo


async def test_a_schema_that_is_in_another_database_is_said_with_what_names_it(
    apart: Apart, answering: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await looked_at(monkeypatch, answering, POSTGRES_DSN=apart.intake)
    assert found["postgresql: schema intake"].state is State.OK
    lacking = found["postgresql: schema verifier"]
    assert lacking.state is State.FAULT
    assert "DSR_VERIFIER_POSTGRES_DSN" in lacking.todo


async def test_a_database_that_nothing_names_is_said_and_the_other_is_looked_at(
    apart: Apart, answering: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSR_KAFKA_BOOTSTRAP", "127.0.0.1:9")  # so that no local stack is looked for
    found = await looked_at(monkeypatch, answering, INTAKE_POSTGRES_DSN=apart.intake)
    assert found["postgresql of intake: schema intake"].state is State.OK
    assert found["postgresql of verifier"].is_skipped
    assert "DSR_VERIFIER_POSTGRES_DSN" in found["postgresql of verifier"].todo
