"""The service as it runs: Faust on the real broker, the real database, real signals."""

from __future__ import annotations

import os
import time
from urllib.parse import urlsplit

import httpx
from integration.verifier.group import Group, a_request_id
from integration.verifier.processes import (
    Follower,
    Verifier,
    closures_of,
    lag_of,
)

from dsr_core.ids import RequestId
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.envelope import Outgoing, header
from dsr_wire.topics import ACKNOWLEDGEMENTS, AUDIT, COPIES, OBLIGATIONS, dead_letter
from support.waiting import eventually
from support.wire import Wire


async def test_a_request_closes_soon_after_its_last_answer(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    took: list[float] = []
    async with verifier, closures_of(kafka) as closures:
        for _ in range(20):
            request_id = a_request_id()
            await publisher.publish([group.opened(request_id)])
            *others, last = group.answers(request_id)
            await publisher.publish(others)
            await eventually(
                lambda request_id=request_id: _open(verifier, request_id), what="two answers"
            )
            sent = time.perf_counter()
            await publisher.publish([last])
            await eventually(
                lambda request_id=request_id: _is_closed(closures, request_id), what="the closure"
            )
            took.append(time.perf_counter() - sent)
        shown = await _metrics(verifier)
        read = sum(topic.partitions for topic in (OBLIGATIONS, ACKNOWLEDGEMENTS, COPIES, AUDIT))
        member = f'{{group_id="{verifier.group_id}"}}'
        assert f"dsr_verifier_group_partitions{member} {read}.0" in shown
        assert f"dsr_verifier_group_rebalances{member} 1.0" in shown
        assert await verifier.stop() < 10
        assert await lag_of(kafka, verifier.group_id) == 0
    took.sort()
    assert took[-2] < 0.5, took


async def test_records_that_can_never_succeed_go_to_dead_letters_and_hold_up_no_one(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    request_id = a_request_id()
    good = group.answers(request_id)
    rubbish = [
        Outgoing(ACKNOWLEDGEMENTS.name, b"key", b"", ()),
        Outgoing(ACKNOWLEDGEMENTS.name, b"key", os.urandom(200), good[0].headers),
        Outgoing(ACKNOWLEDGEMENTS.name, b"key", b"\xff" * 900_000, good[0].headers),
        Outgoing(OBLIGATIONS.name, b"key", good[0].value, good[0].headers),
    ]
    answers, obligations = dead_letter(ACKNOWLEDGEMENTS), dead_letter(OBLIGATIONS)
    async with (
        verifier,
        closures_of(kafka) as closures,
        Follower(kafka, answers) as refused_answers,
        Follower(kafka, obligations) as refused_obligations,
    ):
        producer = publisher._producer
        assert producer is not None
        await producer.send_and_wait(ACKNOWLEDGEMENTS.name, None, key=b"key")
        await publisher.publish([*rubbish, group.opened(request_id), *good])
        await eventually(lambda: _is_closed(closures, request_id), what="the closure")
        letters = await eventually(
            lambda: _at_least(refused_answers, 4), what="dead letters of answers"
        )
        await eventually(lambda: _at_least(refused_obligations, 1), what="of obligations")
        assert [header(one.headers, "dsr_dead_letter_reason") for one in letters].count(
            "empty"
        ) == 2
        await verifier.stop()
        assert await lag_of(kafka, verifier.group_id) == 0


async def test_two_workers_split_the_partitions_and_a_killed_one_loses_nothing(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    second = Verifier(kafka, verifier.dsn, verifier.group_id, verifier.log.with_suffix(".2.log"))
    cohorts = [[a_request_id() for _ in range(20)] for _ in range(60)]
    wanted = {request_id for cohort in cohorts for request_id in cohort}
    async with verifier, second, closures_of(kafka) as closures:
        for number, cohort in enumerate(cohorts):
            await publisher.publish([group.opened(*cohort)])
            for one in group.systems:
                await publisher.publish(
                    [group.answered(one.id, request_id) for request_id in cohort]
                )
            if number == 20:
                assert await _takes_part(verifier)
                assert await _takes_part(second)
                await second.kill()
        found = await eventually(lambda: _closed(closures, wanted), within=90, what="all closures")
        assert len(found) == len(wanted), "a request was closed twice"
        await verifier.stop()
        assert await lag_of(kafka, verifier.group_id) == 0


async def test_a_worker_that_was_killed_goes_on_where_it_had_committed(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    cohort = [a_request_id() for _ in range(50)]
    async with verifier, closures_of(kafka) as closures:
        await publisher.publish([group.opened(*cohort), *group.answers(*cohort[:25])])
        await eventually(lambda: _closed(closures, set(cohort[:25])), what="the first half")
        await verifier.kill()
        await publisher.publish(group.answers(*cohort[25:]))
        await verifier.start()
        found = await eventually(lambda: _closed(closures, set(cohort)), within=60, what="all")
        assert len(found) == len(cohort)
        await verifier.stop()
        assert await lag_of(kafka, verifier.group_id) == 0


async def test_the_database_is_away_for_a_while_and_nothing_is_lost(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    address = urlsplit(verifier.dsn)
    assert address.hostname is not None
    assert address.port is not None
    request_id = a_request_id()
    async with Wire(address.hostname, address.port) as wire:
        verifier.dsn = verifier.dsn.replace(f":{address.port}/", f":{wire.port}/")
        async with verifier, closures_of(kafka) as closures:
            wire.cut()
            await publisher.publish([group.opened(request_id), *group.answers(request_id)])
            faults = await eventually(lambda: _faults(verifier, "streams"), what="the fault")
            assert faults["streams"].startswith("dsr.")
            assert await lag_of(kafka, verifier.group_id) == 4
            wire.mend()
            await eventually(lambda: _is_closed(closures, request_id), within=30, what="closure")
            await eventually(verifier.is_ready, what="readiness")
            await verifier.stop()
            assert await lag_of(kafka, verifier.group_id) == 0


async def test_a_worker_stops_in_time_while_the_database_is_away(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    address = urlsplit(verifier.dsn)
    assert address.hostname is not None
    assert address.port is not None
    request_id = a_request_id()
    async with Wire(address.hostname, address.port) as wire:
        verifier.dsn = verifier.dsn.replace(f":{address.port}/", f":{wire.port}/")
        async with verifier:
            wire.cut()
            await publisher.publish([group.opened(request_id)])
            await eventually(lambda: _faults(verifier, "streams"), what="the fault")
            assert await verifier.stop() < 10
            assert await lag_of(kafka, verifier.group_id) == 1


async def _open(verifier: Verifier, request_id: RequestId) -> bool:
    document = await verifier.get(f"/v1/requests/{request_id}/obligations")
    return document.get("open") == 1


async def _is_closed(closures: Follower, request_id: RequestId) -> bool:
    return request_id in {one.request_id for one in await closures.closures()}


async def _closed(closures: Follower, wanted: set[RequestId]) -> list[RequestId]:
    """The closures of these requests, once there is one of each."""
    found = [one.request_id for one in await closures.closures() if one.request_id in wanted]
    return found if set(found) == wanted else []


async def _at_least(follower: Follower, count: int) -> list[object]:
    records = list(await follower.poll())
    return records if len(records) >= count else []


async def _faults(verifier: Verifier, part: str) -> dict[str, str] | None:
    faults = await verifier.faults() or {}
    return faults if part in faults else None


async def _metrics(verifier: Verifier) -> list[str]:
    async with httpx.AsyncClient(base_url=verifier.url) as client:
        return (await client.get("/metrics")).text.splitlines()


async def _takes_part(verifier: Verifier) -> bool:
    async def taken() -> bool:
        return any(
            line.startswith("dsr_verifier_batch_records_count") and not line.endswith(" 0.0")
            for line in await _metrics(verifier)
        )

    return await eventually(taken, within=30, what="a share of the work")
