"""What a pool shows of itself, as it is used."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from dsr_core.metrics import intake as named
from dsr_runtime.metrics import Instruments
from dsr_runtime.postgres import PoolGauges, connect_pool
from support.waiting import eventually


async def test_a_pool_shows_what_its_connections_do_and_who_waits(database: str) -> None:
    registry = CollectorRegistry()
    made = Instruments(registry)
    pool = await connect_pool(database, size=3)
    PoolGauges(made, named.POOL_CONNECTIONS, named.POOL_WAITING).show(pool)

    def shown() -> tuple[float | None, ...]:
        name = named.POOL_CONNECTIONS.name
        states = [
            registry.get_sample_value(name, {"state": one})
            for one in ("in_use", "idle", "unopened")
        ]
        return (*states, registry.get_sample_value(named.POOL_WAITING.name))

    assert shown() == (0, 1, 2, 0)
    async with AsyncExitStack() as held:
        await held.enter_async_context(pool.acquire())
        assert shown() == (1, 0, 2, 0)
        for _ in range(2):
            await held.enter_async_context(pool.acquire())
        waiting = [asyncio.create_task(pool.fetchval("select 1")) for _ in range(2)]
        await eventually(lambda: shown() == (3, 0, 0, 2))
    assert await asyncio.gather(*waiting) == [1, 1]
    assert shown() == (0, 3, 0, 0)
    await pool.close()
