"""Packages in a bucket of a real S3 server: killed on the way to it, refused by it, and while it hangs."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from integration.intake.packages_test import BASE, ORDERS
from integration.intake.sealing_test import seal
from integration.intake.stored_packages_test import (
    FILM,
    Running,
    Stored,
    access,
    running_with,
    told_of_and_then_whole,
)
from integration.sdk.exports_test import System, assert_is_whole

from dsr_contracts.v1 import notices_pb2
from dsr_core.exports import PART_BYTES
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_runtime.kafka import KafkaConnection, Publisher
from support.exports import Handed, unzipped
from support.intake import Intake, VerifierDouble
from support.object_store import BreakingWay
from support.stores import BucketStore
from support.submissions import a_submission, ndjson
from support.waiting import eventually

__all__ = ["access"]

pytestmark = pytest.mark.timeout(600)  # the first of them may build the server

MANY = 40
"""More are sealed in a thread, and more than there are threads for that."""

HANGS_S = 35
"""Longer than anybody waits for one answer of a store."""

IN_THE_THIRD = 17 * 1024 * 1024
"""So much of it is brought before its last part is, and after its first."""


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("bucket")
    async with running_with("bucket", kafka, database, verifier, folder) as one:
        yield one


@pytest.fixture
def bucket(running: Running) -> BucketStore:
    assert isinstance(running.store, BucketStore)
    return running.store


async def test_a_bucket_that_refuses_is_told_of_and_nothing_is_lost(
    running: Running, bucket: BucketStore, access: Stored, publisher: Publisher
) -> None:
    says = "403 SignatureDoesNotMatch"
    await told_of_and_then_whole(running, access, publisher, bucket.refusing(), says=says, tries=1)


async def test_intake_that_is_killed_in_the_middle_of_an_assembly_leaves_nothing_of_it(
    running: Running, bucket: BucketStore, access: Stored, publisher: Publisher
) -> None:
    way = bucket.way
    first, *_ = access.systems
    access.answered({first: await access.hand_over(first, FILM, ORDERS)})
    way.is_stuck_after = way.carried + IN_THE_THIRD
    await access.close(publisher)
    await eventually(lambda: way.is_stuck, within=60)
    killed = (await access.row())["assembly_id"]
    await running.service.kill()
    way.is_stuck_after, way.is_stuck = None, False
    await way.cut()
    assert access.packed() == {f"{killed}.0"}
    await running.service.start()
    row = await access.until("ready")
    assert row["assembly_id"] != killed
    assert access.packed() == {f"{row['assembly_id']}.0"}
    assert not bucket.server.unfinished()
    found = unzipped((await access.content()).content)
    assert found[f"data/{first}/film.mp4"] == FILM.content


async def test_a_store_that_hangs_keeps_nothing_else_waiting(
    running: Running, bucket: BucketStore, access: Stored, publisher: Publisher, registry: Registry
) -> None:
    first, *_ = access.systems
    access.answered({first: await access.hand_over(first, FILM)})
    await access.close(publisher)
    await access.until("ready")
    way, before = bucket.way, bucket.way.connections
    async with bucket.hanging():
        fetching = [asyncio.create_task(access.content()) for _ in range(MANY)]
        await eventually(lambda: way.connections >= before + 10, within=20)
        async with asyncio.timeout(10):
            assert await sealed(running.intake, registry) == MANY

        async def is_told() -> bool:
            return bool((await running.seen())["text"] == "no answer in time")

        await eventually(is_told, within=20)
    answers = await asyncio.gather(*fetching)
    assert {one.status_code for one in answers} <= {200, 503}


async def sealed(intake: Intake, registry: Registry) -> int:
    """Have so many people's erasure sealed for a system as is done in a thread; return how many were."""
    body = ndjson(
        [a_submission(1000 + n, idempotency_key=os.urandom(8).hex()) for n in range(MANY)]
    )
    answer = await intake.http.post(
        f"{BASE}:batch", content=body, headers={"content-type": "application/x-ndjson"}
    )
    made = json.loads(answer.text.splitlines()[0])
    cohort = await intake.pool.fetchrow(
        "select c.id, c.registry_digest from intake.cohorts c"
        " join intake.subject_requests r on r.cohort_id = c.id where r.id = $1",
        made["id"],
    )
    system = next(one.id for one in registry.systems if Right.DELETION in one.rights)
    answer = await seal(intake, str(cohort["id"]), cohort["registry_digest"], [system])
    [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
    return len(notice.identities)


async def until_it_broke(arriving: AsyncIterator[bytes]) -> bytes:
    """Return what arrives of a download that is broken off."""
    arrived = bytearray()
    try:
        async for some in arriving:
            arrived += some
    except httpx.TransportError:
        return bytes(arrived)
    raise AssertionError("it went on to the end")


async def a_minute_away(
    store: BucketStore, its_way: BreakingWay, meanwhile: Callable[[], Awaitable[object]]
) -> None:
    """Have a store hang, and then be gone, until a minute is over; what was on its way is broken off."""
    began = time.monotonic()
    store.server.halt(halted=True)
    for one in (store.way, its_way):
        one.is_stuck_after, one.is_stuck = None, False
        await one.cut()
    await eventually(lambda: time.monotonic() - began > HANGS_S, within=60)
    await store.server.stop()
    await meanwhile()
    await eventually(lambda: time.monotonic() - began > 60, within=60)
    await store.server.start()


@pytest.mark.chaos
async def test_a_minute_without_a_store_that_hangs_and_then_is_gone_loses_nothing_of_anybody(
    bucket: BucketStore,
    access: Stored,
    publisher: Publisher,
    registry: Registry,
    tmp_path: Path,
) -> None:
    first, *_ = access.systems
    large = Handed("film.mp4", os.urandom(64 * 1024 * 1024), "video/mp4")
    access.answered({first: await access.hand_over(first, large)})
    await access.close(publisher)
    await access.until("ready")
    other = Stored(access.running, access.verifier)
    await other.submit(registry, letters=False)
    other.answered({first: await other.hand_over(first, FILM)})
    system = System(tmp_path, bucket.server)
    before = len(access.running.log)

    async def is_told() -> bool:
        answer = await access.content()
        return answer.status_code == 503 and "no answer" in answer.text

    async with (
        BreakingWay(bucket.server.port) as its_way,
        access.intake.http.stream("GET", f"{BASE}/{access.id}/package/content") as download,
    ):
        # A person downloads, a system uploads, and intake assembles: each is in the middle of it.
        arriving = download.aiter_raw()
        arrived = await anext(arriving)
        its_way.is_stuck_after = 2 * PART_BYTES
        bucket.way.is_stuck_after = bucket.way.carried + IN_THE_THIRD
        await system.start(its_way.port)
        await other.close(publisher)
        await eventually(lambda: bucket.way.is_stuck and its_way.is_stuck, within=60)
        away = asyncio.create_task(
            a_minute_away(bucket, its_way, lambda: eventually(is_told, within=25))
        )
        arrived += await until_it_broke(arriving)
        assert len(arrived) < int(download.headers["content-length"])
        await away
        # Everything goes on by itself.
        rest = await access.content(
            **{"range": f"bytes={len(arrived)}-", "if-range": download.headers["etag"]}
        )
        assert rest.status_code == 206
        assert unzipped(arrived + rest.content)[f"data/{first}/film.mp4"] == large.content
        row = await other.until("ready")
        assert row["excluded"] == "{}"
        found = unzipped((await other.content()).content)
        assert found[f"data/{first}/film.mp4"] == FILM.content
        [answer] = await system.ends()
    assert_is_whole(system, answer)
    said = access.running.log[before:]
    assert "a download is broken off" in said
    assert "a package waits" in said
    assert other.packed() == {f"{row['assembly_id']}.0"}, "nothing of what was begun before"
    assert not bucket.server.unfinished()
