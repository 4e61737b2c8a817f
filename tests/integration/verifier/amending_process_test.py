"""Amendments through the service as it runs: Faust on the real broker, the real database, real kills."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from integration.verifier.group import Group, a_request_id, now
from integration.verifier.processes import (
    CrashingVerifier,
    Follower,
    Verifier,
    closures_of,
    lag_of,
)

from dsr_core.closing import Outcome
from dsr_core.ids import RequestId
from dsr_core.rights import Disposition
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.amendments import PlanChanged
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.decisions import HoldPlaced, ObligationSettled, Stopped
from support.builders import an_id, days
from support.crash_points import AMENDED
from support.crash_writes import CrashPoint
from support.waiting import eventually

WITHDRAWN = Stopped(Outcome.WITHDRAWN)


@pytest.fixture
def crashing(verifier: Verifier, tmp_path: Path) -> CrashingVerifier:
    """A verifier of the same group that can be made to crash."""
    log, keeps_its_place = tmp_path / "crashing.log", {"DSR_KAFKA_INSTANCE_ID": "crashing"}
    return CrashingVerifier(verifier.kafka, verifier.dsn, verifier.group_id, log, keeps_its_place)


async def obligations_of(verifier: Verifier, request_id: RequestId) -> dict[str, Any]:
    document: dict[str, Any] = await verifier.get(f"/v1/requests/{request_id}/obligations")
    return document


async def until(verifier: Verifier, request_id: RequestId, **facts: object) -> dict[str, Any]:
    """The request's document, once it says so."""

    async def read() -> dict[str, Any] | None:
        document = await obligations_of(verifier, request_id)
        return document if facts.items() <= document.items() else None

    return await eventually(read, what=f"{facts}")


async def closure_of(closures: Follower, request_id: RequestId) -> Closure:
    """The one closure of a request."""

    async def read() -> list[Closure]:
        return [one for one in await closures.closures() if one.request_id == request_id]

    (closure,) = await eventually(read, what="the closure")
    return closure


async def test_a_stop_that_its_answers_overtook_closes_as_withdrawn(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    request_id = a_request_id()
    async with verifier, closures_of(kafka) as closures:
        stopped = group.answers(request_id, disposition=Disposition.STOPPED)
        await publisher.publish([group.opened(request_id), *stopped])

        async def all_told() -> bool:
            document = await obligations_of(verifier, request_id)
            owed = document.get("obligations", ())
            return bool(owed) and all(one["disposition"] == "stopped" for one in owed)

        await eventually(all_told, what="the answers")
        assert (await obligations_of(verifier, request_id))["open"] == len(group.systems)
        await publisher.publish([group.amended(WITHDRAWN, request_id)])
        assert (await closure_of(closures, request_id)).outcome is Outcome.WITHDRAWN
        await verifier.stop()
        assert await lag_of(kafka, verifier.group_id) == 0


async def test_amendments_before_their_obligations_wait_for_them(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    request_id = a_request_id()
    async with verifier, closures_of(kafka) as closures:
        await publisher.publish([group.amended(WITHDRAWN, request_id)])
        await publisher.publish(group.answers(request_id, disposition=Disposition.TOO_LATE))
        await publisher.publish([group.opened(request_id)])
        assert (await closure_of(closures, request_id)).outcome is Outcome.WITHDRAWN


async def test_an_erasure_under_a_hold_confirms_and_is_shown_as_a_breach(
    publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    request_id, hold = a_request_id(), HoldPlaced(an_id(901))
    async with verifier:
        placed = group.amended(hold, request_id, at=now() - days(1))
        await publisher.publish([group.opened(request_id), placed])
        await until(verifier, request_id, open=len(group.systems))
        missing = await verifier.get(f"/v1/cohorts/{request_id}/missing")
        assert (missing["systems"], len(missing["held"])) == ({}, len(group.systems))
        await publisher.publish(group.answers(request_id)[:1])
        document = await until(verifier, request_id, open=len(group.systems) - 1)
        (breach,) = document["breaches"]
        assert (breach["system_id"], breach["hold_id"]) == (group.systems[0].id, hold.hold_id)
        metrics = await verifier.answer("/metrics")
        assert metrics is not None
        counted = f'dsr_verifier_hold_breaches_total{{system_id="{breach["system_id"]}"}} 1.0'
        assert counted in metrics.text.splitlines()


async def test_a_plan_that_changes_and_an_answer_by_two_people_close(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    request_id = a_request_id()
    first, second, third = group.systems
    retired = PlanChanged(group.registry_digest, (), (third.id,))
    settled = ObligationSettled(
        system_id=second.id,
        disposition=Disposition.ERASED,
        proposed_by="operator-a",
        approved_by="operator-b",
        reason="the machine was scrapped",
    )
    async with verifier, closures_of(kafka) as closures:
        await publisher.publish(
            [
                group.opened(request_id),
                group.answered(first.id, request_id),
                group.amended(retired, request_id),
                group.amended(settled, request_id, revision=2),
            ]
        )
        closure = await closure_of(closures, request_id)
        assert (closure.outcome, closure.obligations) == (Outcome.FULFILLED, 2)


@pytest.mark.parametrize("point", AMENDED, ids=lambda point: point.name)
async def test_a_crash_while_an_amendment_is_taken_loses_nothing_and_doubles_nothing(
    kafka: KafkaConnection,
    publisher: Publisher,
    group: Group,
    crashing: CrashingVerifier,
    point: CrashPoint,
) -> None:
    request_id = a_request_id()
    async with crashing, closures_of(kafka) as closures:
        stopped = group.answers(request_id, disposition=Disposition.STOPPED)
        await publisher.publish([group.opened(request_id), *stopped])

        async def committed() -> bool:
            return await lag_of(kafka, crashing.group_id) == 0

        await eventually(committed, what="the answers")
        crashing.file.write_text(point.name, encoding="utf-8")
        amended = group.amended(WITHDRAWN, request_id)
        await publisher.publish([amended])
        await crashing.crashed()
        await crashing.start()
        assert (await closure_of(closures, request_id)).outcome is Outcome.WITHDRAWN
        await eventually(committed, what="the amendment")
        connection = await asyncpg.connect(crashing.dsn)
        try:
            effects = await connection.fetch(
                "select effect from verifier.amendments where request_id = $1", request_id
            )
        finally:
            await connection.close()
        assert [one["effect"] for one in effects] == ["applied"]
        again = await obligations_of(crashing, request_id)
        await publisher.publish([amended])
        await eventually(committed, what="the amendment again")
        assert await obligations_of(crashing, request_id) == again
        assert len([one for one in await closures.closures() if one.request_id == request_id]) == 1
