"""A service that is started during an outage says so, and goes on by itself once it is over."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dsr_cli.stack import Stack
from dsr_fanout.streams.commands import COMMANDS_GROUP
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.topics import COMMANDS
from support.parts import kafka_environment_of
from support.services import ServiceProcess, free_port
from support.topics import begin_at_the_end
from support.transparency import log_settings
from support.waiting import eventually
from support.wire import Wire

pytestmark = pytest.mark.timeout(240)

TOKEN = "token-of-the-services"

PARTS = {
    "intake": ("postgresql", "kafka"),
    "fanout": ("kafka", "temporal"),
    "verifier": ("postgresql", "kafka"),
}
OWN_PATHS = {
    "intake": ("/v1/subject-requests", "/internal/v1/clients", "/openapi.json"),
    "fanout": (),
    "verifier": ("/v1/changes",),
}
FOLLOWING = {
    "log",
    "registry",
    "outbox",
    "streams",
    "closures stream",
    "requests stream",
    "commands stream",
    "lifecycle stream",
    "phases stream",
    "worker",
}
"""What waits for another part, and so is away with it."""


@dataclass
class Outage:
    """One wire to each part, cut."""

    wires: dict[str, Wire]
    settings: dict[str, str]


@pytest.fixture
async def outage(
    stack: Stack, kafka: KafkaConnection, database: str, tmp_path: Path
) -> AsyncIterator[Outage]:
    for name in ("kek", "lookup"):
        (tmp_path / name).write_text(base64.b64encode(name.ljust(32).encode()).decode())
    # No intake is here that knows of the requests that others have decided about.
    await begin_at_the_end(kafka, COMMANDS_GROUP, [COMMANDS])
    postgresql = urlsplit(database)
    assert postgresql.hostname is not None
    targets = {
        "postgresql": f"{postgresql.hostname}:{postgresql.port}",
        "kafka": kafka.bootstrap,
        "temporal": stack.temporal_address,
    }
    async with AsyncExitStack() as laid:
        wires = {}
        for part, target in targets.items():
            host, _, port = target.rpartition(":")
            wires[part] = await laid.enter_async_context(Wire(host, int(port), is_cut=True))
        nobody = f"http://127.0.0.1:{free_port()}"
        yield Outage(
            wires,
            {
                **kafka_environment_of(kafka),
                "DSR_KAFKA_BOOTSTRAP": f"127.0.0.1:{wires['kafka'].port}",
                "DSR_POSTGRES_DSN": database.replace(
                    f":{postgresql.port}/", f":{wires['postgresql'].port}/"
                ),
                "DSR_TEMPORAL_ADDRESS": f"127.0.0.1:{wires['temporal'].port}",
                "DSR_INTERNAL_TOKEN": TOKEN,
                "DSR_INTAKE_URL": nobody,
                "DSR_VERIFIER_URL": nobody,
                "DSR_KEY_ENCRYPTION_KEY_FILE": str(tmp_path / "kek"),
                **log_settings("nobody", tmp_path / "log"),
                "DSR_LOOKUP_KEY_FILE": str(tmp_path / "lookup"),
            },
        )


def a_process(outage: Outage, service: str, folder: Path) -> ServiceProcess:
    return ServiceProcess(f"dsr_{service}", outage.settings, folder / f"{service}.log")


async def names_exactly(process: ServiceProcess, parts: set[str]) -> bool:
    faults = await process.faults()
    return faults is not None and set(faults) - FOLLOWING == parts


@pytest.mark.parametrize(
    ("service", "absent"), [(service, one) for service, parts in PARTS.items() for one in parts]
)
async def test_readiness_names_the_part_that_is_away_at_the_start_and_no_other(
    outage: Outage, tmp_path: Path, service: str, absent: str
) -> None:
    for part, wire in outage.wires.items():
        if part != absent:
            wire.mend()
    async with aclosing(a_process(outage, service, tmp_path)) as process:
        await process.begin()
        await eventually(
            lambda: names_exactly(process, {absent}), within=30, what=f"the fault of {absent}"
        )
        alive = await process.answer("/livez")
        assert alive is not None
        assert alive.status_code == 200
        outage.wires[absent].mend()
        try:
            await eventually(process.is_ready, within=120, what="readiness")
        except AssertionError as error:
            raise AssertionError(f"{error}; faults: {await process.faults()}") from error
        await process.stop()
        assert "Traceback" not in process.log.read_text()


@pytest.mark.parametrize("service", PARTS)
async def test_a_service_without_any_part_answers_503_and_ends_when_it_is_told(
    outage: Outage, tmp_path: Path, service: str
) -> None:
    async with aclosing(a_process(outage, service, tmp_path)) as process:
        await process.begin()
        await eventually(
            lambda: names_exactly(process, set(PARTS[service])), within=30, what="the faults"
        )
        for path in OWN_PATHS[service]:
            answer = await process.answer(path, token=TOKEN)
            assert answer is not None
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "2"
        assert await process.stop() < 10
        log = process.log.read_text()
        assert "Traceback" not in log
        assert "Unclosed" not in log
