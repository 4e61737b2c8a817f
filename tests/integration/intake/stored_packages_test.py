"""Packages in a folder and in a bucket of a real S3 server: whatever happens to it, nothing is lost or left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from integration.intake.packages_test import BASE, ORDERS, PARTS_TRIES, Access

from dsr_core.ids import SystemId
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.exports import Stream, part_path
from support.exports import Handed, unzipped
from support.intake import Intake, VerifierDouble, environment_of, intake_fields, reached_intake
from support.object_store import BreakingWay, S3Server, built_versitygw
from support.services import ServiceProcess
from support.stores import BucketStore, FolderStore, Store
from support.waiting import eventually

pytestmark = pytest.mark.timeout(600)  # the first of them may build the server

FILM = Handed("film.mp4", bytes(range(256)) * 80_000, "video/mp4")
"""Longer than two parts of an object in a bucket."""


@dataclass
class Running:
    """Intake as a process, and the store that it has."""

    intake: Intake
    service: ServiceProcess
    store: Store
    folder: Path

    @property
    def log(self) -> str:
        return self.service.log.read_text()

    async def seen(self) -> dict[str, Any]:
        """What intake says of the store."""
        answer = await self.intake.http.get("/statusz")
        return dict(answer.json()["parts"]["object store"])


@asynccontextmanager
async def running_with(
    kind: str, kafka: KafkaConnection, database: str, verifier: VerifierDouble, folder: Path
) -> AsyncIterator[Running]:
    """Run intake with a folder, or with a bucket."""
    async with AsyncExitStack() as stack:
        store: Store = FolderStore(folder / "store")
        if kind == "bucket":
            server = S3Server(built_versitygw(), folder)
            stack.push_async_callback(server.stop)
            await server.start()
            way = await stack.enter_async_context(BreakingWay(server.port))
            store = BucketStore(server, way)
        fields = intake_fields(kafka, database, verifier.url, folder)
        told = environment_of(fields | {"package_store_url": store.url, "package_lease_s": 3})
        service = ServiceProcess("dsr_intake", told | store.variables, folder / "intake.log")
        await stack.enter_async_context(service)
        intake = await stack.enter_async_context(reached_intake(service.url, database))
        yield Running(intake, service, store, folder)


@pytest.fixture(scope="module", params=["folder", "bucket"])
async def running(
    request: pytest.FixtureRequest,
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("stored")
    async with running_with(request.param, kafka, database, verifier, folder) as one:
        yield one


class Stored(Access):
    """A request for access, and where its package lies."""

    def __init__(self, running: Running, verifier: VerifierDouble) -> None:
        super().__init__(running.intake, running.folder, verifier)
        self.running = running
        self.store = running.store.folder

    def packed(self) -> set[str]:
        """The packages of which something lies there, in parts."""
        return {one.parts[2] for one in self.left() if one.parts[0] == "packages"}

    async def content(self, **headers: str) -> httpx.Response:
        return await self.intake.http.get(f"{BASE}/{self.id}/package/content", headers=headers)


@pytest.fixture
async def access(running: Running, verifier: VerifierDouble, registry: Registry) -> Stored:
    one = Stored(running, verifier)
    await one.submit(registry, letters=False)
    return one


@pytest.mark.parametrize("how", ["away", "lost"])
async def test_a_store_that_is_away_is_told_of_and_spends_none_of_the_tries_that_a_late_part_has(
    running: Running, access: Stored, publisher: Publisher, how: str
) -> None:
    is_lost = how == "lost"
    says = running.store.lost_says if is_lost else ""
    away = running.store.lost() if is_lost else running.store.away()
    await told_of_and_then_whole(
        running, access, publisher, away, says=says, tries=PARTS_TRIES + 1 if is_lost else 1
    )


async def told_of_and_then_whole(
    running: Running,
    access: Stored,
    publisher: Publisher,
    away: AbstractAsyncContextManager[None],
    *,
    says: str,
    tries: int,
) -> None:
    """See that a store which is away is told of, and a late part looked for as often as ever."""
    first, *_ = access.systems
    delivery = await access.hand_over(first, ORDERS, FILM)
    access.answered({first: delivery})
    part = access.store / part_path(access.id, SystemId(first), delivery.export_id, Stream.DATA, 0)
    before = len(running.log)
    async with away:
        await access.close(publisher)
        await access.tried(tries)

        async def is_told() -> bool:
            seen = await running.seen()
            return not seen["is_up"] and says in seen["text"]

        await eventually(is_told, within=30)
        assert await access.state() == "closed"
    said = running.log[before:]
    waits = [one for one in said.splitlines() if "a package waits" in one]
    assert any("the object store" in one and says in one for one in waits), waits
    assert "Traceback" not in said
    if tries > PARTS_TRIES:
        part.rename(part.with_name("late"))
        await access.tried((await access.row())["tries"] + 2)
        part.with_name("late").rename(part)
    assert (await access.until("ready"))["excluded"] == "{}"
    assert await access.state() == "answered"
    found = unzipped((await access.content()).content)
    assert found[f"data/{first}/orders.jsonl"] == ORDERS.content

    async def is_up() -> bool:
        return bool((await running.seen())["is_up"])

    await eventually(is_up, within=30)
    metrics = (await access.intake.http.get("/metrics")).text
    assert 'dsr_intake_packages_total{result="postponed"}' in metrics


async def test_any_range_of_a_package_is_what_stands_there_in_the_whole(
    access: Stored, publisher: Publisher
) -> None:
    first, *_ = access.systems
    access.answered({first: await access.hand_over(first, FILM)})
    await access.close(publisher)
    await access.until("ready")
    whole = await access.content()
    content, tag = whole.content, whole.headers["etag"]
    assert unzipped(content)[f"data/{first}/film.mp4"] == FILM.content
    part = 8 * 1024 * 1024
    for start, end in ((part - 1, part), (part - 200, part + 200), (5, 2 * part + 5)):
        asked = {"range": f"bytes={start}-{end}", "if-range": tag}
        found = await access.content(**asked)
        assert (found.status_code, found.content) == (206, content[start : end + 1])
    rest = await access.content(range=f"bytes={part}-")
    assert (rest.status_code, rest.content) == (206, content[part:])


async def test_of_what_is_over_nothing_is_left_wherever_it_lay(
    access: Stored, publisher: Publisher
) -> None:
    first, *_ = access.systems
    access.answered({first: await access.hand_over(first, ORDERS, FILM)})
    await access.close(publisher)
    await access.until("ready")
    assert {one.parts[0] for one in access.left()} == {"exports", "packages"}
    await access.intake.pool.execute(
        "update intake.packages set expires_at = now() where request_id = $1", access.id
    )
    await access.until("expired")
    assert not access.left()
    left = await access.intake.pool.fetchval(
        "select count(*) from intake_keys.package_keys where request_id = $1", access.id
    )
    assert left == 0
