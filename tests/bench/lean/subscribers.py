"""The lean systems, all in one loop: rows deleted, then one record that says whose."""

import asyncio
import json
from collections.abc import Iterator

import asyncpg
from aiokafka import AIOKafkaProducer
from wiring import TOLD, batches, consumer, producer, say_ready, send

_MOST_IN_A_RECORD = 5000
"""Keeps a record of acknowledgements well below Kafka's megabyte."""


async def serve(system: int, out: AIOKafkaProducer, ready: asyncio.Semaphore) -> None:
    store = await asyncpg.connect(TOLD["database"])
    source = await consumer(f"lean.notices.{system}")
    names = [f"lean.data_{system}_{table}" for table in range(1, TOLD["tables"] + 1)]
    ready.release()
    async for messages in batches(source, limit=100, wait_ms=100):
        members = [member for one in messages for member in json.loads(one.value)]
        async with store.transaction():
            for name in names:
                await store.execute(f"delete from {name} where person = any($1)", members)
        await send(out, [_record(system, part) for part in _parts(members)])


def _record(system: int, members: list[str]) -> tuple[str, str, object]:
    return "lean.acknowledgements", str(system), {"system": system, "members": members}


def _parts(members: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(members), _MOST_IN_A_RECORD):
        yield members[begin : begin + _MOST_IN_A_RECORD]


async def main() -> None:
    out = await producer(linger_ms=0)
    systems = range(1, TOLD["systems"] + 1)
    ready = asyncio.Semaphore(0)

    async def announce() -> None:
        for _ in systems:
            await ready.acquire()
        say_ready()

    await asyncio.gather(*(serve(system, out, ready) for system in systems), announce())


if __name__ == "__main__":
    asyncio.run(main())
