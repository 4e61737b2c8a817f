"""More requests than the store can take: some are told to come again, and none waits without end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from dsr_core.errors import Unavailable
from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.outbox import _LOCK_SPACE, _SLOTS
from dsr_runtime.postgres import connect_pool, translated
from support.intake import Intake, VerifierDouble, running_intake
from support.submissions import a_submission, ndjson
from support.waiting import eventually

BASE = "/v1/subject-requests"
_WAITING = 20
_OUTBOX = 10
_CALLS = 300
"""More than wait and share the transaction that hangs."""


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    folder = tmp_path_factory.mktemp("keys")
    async with running_intake(
        kafka,
        database,
        verifier.url,
        folder,
        intake_waiting_limit=_WAITING,
        intake_outbox_limit=_OUTBOX,
    ) as running:
        yield running


async def test_requests_that_find_too_many_waiting_are_told_when_to_come_again(
    intake: Intake,
) -> None:
    headers = await intake.client()
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=intake.url, headers=headers, limits=limits, timeout=60) as http,
        asyncio.TaskGroup() as calls,
    ):
        statuses: Counter[int] = Counter()
        shed: list[httpx.Response] = []

        async def call(number: int) -> None:
            answer = await http.post(BASE, json=a_submission(number))
            statuses[answer.status_code] += 1
            if answer.status_code == 503:
                shed.append(answer)

        async with intake.pool.acquire() as connection, connection.transaction():
            # Every acceptance waits for this, as for a store that has become slow.
            await connection.execute("lock table intake.subject_requests in exclusive mode")
            for number in range(_CALLS):
                calls.create_task(call(number))
            await eventually(lambda: len(shed) >= _CALLS // 3, within=30)
            assert statuses[202] == 0
            # Calls that arrive after this may find more waiting to be published than there may.
            assert {one.headers["retry-after"] for one in shed} == {"2"}
    assert statuses == {202: _CALLS - len(shed), 503: len(shed)}
    assert {one.json()["type"] for one in shed} == {"urn:dsr:problem:overloaded"}
    metrics = (await intake.http.get("/metrics")).text
    assert f'dsr_intake_refused_total{{call="single",reason="overloaded"}} {len(shed)}.0' in metrics

    async def is_taken() -> bool:
        answer = await intake.http.post(BASE, json=a_submission(), headers=headers)
        return answer.status_code == 202

    # Once what was taken meanwhile is published: more of it waits than this intake lets wait.
    await eventually(is_taken)


async def test_where_too_much_waits_to_be_published_new_requests_are_told_to_come_again(
    intake: Intake,
) -> None:
    headers = await intake.client()
    lines = headers | {"content-type": "application/x-ndjson"}
    body = ndjson([a_submission(500, idempotency_key="one")])

    async def status(number: int) -> int:
        return (
            await intake.http.post(BASE, json=a_submission(number), headers=headers)
        ).status_code

    async def is_full() -> bool:
        return await status(501) == 503

    async def has_room() -> bool:
        return await status(502) == 202

    await eventually(has_room)
    async with intake.pool.acquire() as connection, connection.transaction():
        # No relay finds a slot that is free, as where Kafka takes nothing.
        await connection.execute(
            "select pg_advisory_xact_lock($1, hashtext('intake') # slot)"
            " from generate_series(0, $2 - 1) slot",
            _LOCK_SPACE,
            _SLOTS,
        )
        await eventually(is_full)
        single = await intake.http.post(BASE, json=a_submission(503), headers=headers)
        batch = await intake.http.post(f"{BASE}:batch", content=body, headers=lines)
        waiting = await intake.pool.fetchval("select count(*) from intake.outbox")
    for answer in (single, batch):
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:dsr:problem:overloaded"
        assert "wait to be published" in answer.json()["detail"]
        assert answer.headers["retry-after"] == "15"
    assert waiting >= _OUTBOX, "what was accepted is kept"

    await eventually(has_room)
    assert (await intake.http.post(f"{BASE}:batch", content=body, headers=lines)).status_code == 200
    metrics = (await intake.http.get("/metrics")).text
    assert 'dsr_intake_refused_total{call="batch",reason="overloaded"} 1.0' in metrics


async def test_a_connection_is_waited_for_a_bounded_time(database: str) -> None:
    pool = await connect_pool(database, size=1, patience_s=0.1)
    async with pool:
        async with pool.acquire():
            with pytest.raises(Unavailable), translated():
                await pool.fetchval("select 1")
            with pytest.raises(Unavailable), translated():
                async with pool.acquire():
                    pytest.fail("there is no second one")
        assert await pool.fetchval("select 1") == 1
