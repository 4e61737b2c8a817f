"""What follows a closed request, and a registry that changes, with kills at each durable write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from chaos.crashes import Aftermath, Crashing, Submitted, submit_surely

from dsr_cli.group.bring_up import local_registry
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.registry_topic import registry_record
from dsr_core.registry import Registry
from support.crash_points import SYSTEMS
from support.loop import Loop
from support.operating import (
    AWAY,
    away,
    known_to,
    only_missing,
    somebody_with_invoices,
    surely,
    until,
)
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]

JOINS = "event-registrations"
DEFERRED = ("defer.before", "defer.after")
OPENED = ("follow.before", "follow.after", "publish.before", "publish.after")
TOLD = ("replan.start.before", "replan.start.after", "replan.tell.before", "replan.tell.after")
JOINED = ("amend.before", "amend.after", "notify.before", "notify.after")
AMENDED = ("amend.recorded.before", "amend.recorded.after")


async def follow_ups(loop: Loop, request_id: str) -> list[str]:
    rows = await loop.query(
        "select id::text from intake.subject_requests where follows = $1::uuid", request_id
    )
    return [row["id"] for row in rows]


async def deferred(loop: Loop, request_id: str) -> int:
    """Return how many reviews are kept of what a request left."""
    [row] = await loop.query(
        "select count(*) as n from intake.deferred_notices"
        " where request_id = $1::uuid and why = 'exemption_review'",
        request_id,
    )
    return int(row["n"])


async def test_a_review_is_deferred_once_and_opened_once_whoever_dies_when(
    loop: Loop, crashing: Crashing, aftermath: Aftermath
) -> None:
    person = await somebody_with_invoices(loop)
    before, one = await aftermath.held(person), Submitted(person)

    async def closed() -> None:
        async with loop.client() as client:
            await submit_surely(client, one)
        await until(loop, one.request_id, "answered")

    await crashing.dying_at(closed(), DEFERRED)
    assert await deferred(loop, one.request_id) == 1

    async def reviewed() -> str:
        await loop.query(
            "update intake.deferred_notices set review_at = now(), next_try_at = now()"
            " where request_id = $1::uuid and why = 'exemption_review'",
            one.request_id,
        )
        [follow_up] = await eventually(lambda: follow_ups(loop, one.request_id), within=300)
        await until(loop, follow_up, "answered")
        return follow_up

    follow_up = await crashing.dying_at(reviewed(), OPENED)
    assert await follow_ups(loop, one.request_id) == [follow_up]
    assert list(await loop.obligations(follow_up)) == ["billing"]
    assert await deferred(loop, follow_up) == 1, "it is kept still, and reviewed again"
    await aftermath.has_ended([one.request_id, follow_up], before)


async def planned_from(loop: Loop, request_id: str) -> str:
    [row] = await loop.query(
        "select registry_digest from intake.cohorts where id = $1::uuid", request_id
    )
    return str(row["registry_digest"])


def publish(loop: Loop, registry: Registry) -> None:
    kafka_admin(loop.stack).send([registry_record(registry, datetime.now(UTC))])


@asynccontextmanager
async def published(loop: Loop, registry: Registry) -> AsyncIterator[None]:
    """Have another registry in force; the group's own is again afterwards, in any case."""
    await asyncio.to_thread(publish, loop, registry)
    try:
        yield
    finally:
        await asyncio.to_thread(publish, loop, local_registry(loop.stack))


async def test_who_joins_the_registry_is_asked_once_whoever_dies_when(
    loop: Loop, crashing: Crashing, aftermath: Aftermath
) -> None:
    whole = local_registry(loop.stack)
    fewer = replace(whole, systems=tuple(one for one in whole.systems if one.id != JOINS))
    before, submitted = await aftermath.held(), list[Submitted]()

    async def is_planned_without_it() -> bool:
        submitted.append(Submitted(*known_to(loop, 1, AWAY, *SYSTEMS)))
        async with loop.client() as client:
            request_id = await submit_surely(client, submitted[-1])
        return await planned_from(loop, request_id) == fewer.digest

    async with away(loop) as back, published(loop, fewer):
        await eventually(is_planned_without_it, within=60, what="intake plans without it")
        one = submitted[-1]
        await only_missing(loop, one.request_id)

        async def has_joined() -> None:
            publish(loop, whole)

            async def is_confirmed() -> bool:
                owed = await surely(lambda: loop.obligations(one.request_id)) or {}
                return JOINS in owed and bool(owed[JOINS]["is_confirmed"])

            await eventually(is_confirmed, within=420, what=f"{JOINS} has been asked")

        await crashing.dying_at(has_joined(), (*TOLD, *JOINED), AMENDED)
        assert await loop.closures(one.request_id) == 0, "one system has yet to answer"
        await back()
        await loop.answered(*(each.request_id for each in submitted), within=120)
    await aftermath.is_whole(submitted, before)
    assert len(await loop.obligations(one.request_id)) == len(whole.systems)
