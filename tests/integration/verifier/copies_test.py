"""Copies that erasures wait for, on PostgreSQL: two workers at one moment, an upgrade, and what readers see."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeAlias

import asyncpg
import httpx
import pytest
from integration.verifier.meeting import Meeting
from unit.verifier.copying import asked, closed
from unit.verifier.phasing import ALL_LATER, confirmed, handed_over
from unit.verifier.world import (
    REGISTRY,
    World,
    a_new_request_id,
    a_registry_view,
    copy_settled,
    obligations,
)

from dsr_cli.stack import Stack
from dsr_core.ids import RequestId
from dsr_core.rights import Right
from dsr_runtime.migrations import migrate
from dsr_verifier.adapters.ledger import PostgresLedger
from support import parts
from support.old_schemas import filled

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

ROWS = Path(__file__).parent / "closed_0016.sql"


def of(number: int) -> RequestId:
    return RequestId(f"019a0000-0000-7000-8000-{number:012d}")


@pytest.mark.parametrize("is_known", [True, False], ids=["closed", "never known"])
async def test_an_erasure_and_the_copy_that_it_waits_for_at_the_same_moment_are_one_fact(
    pool: Pool, world: World, *, is_known: bool
) -> None:
    for _ in range(25):
        access, request_id = a_new_request_id(), a_new_request_id()
        if is_known:
            await world.open(access, right=Right.ACCESS)
            await closed(world, access)
        opening = obligations(request_id, phases=ALL_LATER, after=(access,))
        meeting = Meeting(pool, 2)
        one, other = (World(meeting, a_registry_view()) for _ in range(2))
        tallies = await asyncio.gather(
            one.opener.take([opening]), other.copier.take([copy_settled(access)])
        )
        assert [each for tally in tallies for each in confirmed(tally)] == [(request_id, 0)]


async def test_two_workers_that_are_told_of_a_copy_say_so_once(pool: Pool, world: World) -> None:
    for _ in range(25):
        access, request_id = await asked(world)
        await closed(world, access)
        meeting = Meeting(pool, 2)
        workers = [World(meeting, a_registry_view()) for _ in range(2)]
        tallies = await asyncio.gather(
            *(worker.copier.take([copy_settled(access)]) for worker in workers)
        )
        assert [each for tally in tallies for each in confirmed(tally)] == [(request_id, 0)]


async def test_readers_see_what_is_waited_for_until_its_copy_is_settled(
    client: httpx.AsyncClient, world: World
) -> None:
    access, request_id = await asked(world)
    await closed(world, access)

    async def awaits() -> list[str]:
        document = (await client.get(f"/v1/requests/{request_id}/obligations")).json()
        return list(document["awaits"])

    assert await awaits() == [access]
    await world.copier.take([copy_settled(access)])
    assert await awaits() == []


async def test_nobody_waits_for_a_copy_of_what_was_closed_before_copies_were_settled(
    stack: Stack,
) -> None:
    with parts.fresh_database(stack) as dsn:
        await filled(
            dsn,
            package="dsr_verifier",
            schema="verifier",
            revision="0016",
            rows=ROWS,
            values={"registry": REGISTRY.digest},
        )
        await migrate(dsn, package="dsr_verifier", schema="verifier")
        async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
            world = World(PostgresLedger(pool), a_registry_view())
            assert confirmed(await world.record(handed_over(of(22)))) == [(of(23), 0)]
