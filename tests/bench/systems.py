"""Every system of a benchmark in one process: each its own subscriber, with five tables of its own.

`dsr bench` starts it, and tells it what it needs by a file.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from dsr_sdk import (
    AccessRequest,
    Answer,
    DeletionRequest,
    Erased,
    KafkaConnection,
    NotFound,
    Right,
    Row,
    SqliteOutcomeStore,
    Subscriber,
    SystemKeyPair,
)

_CONNECTIONS = 10


def subscriber(one: dict[str, Any], told: dict[str, Any], pool: asyncpg.Pool) -> Subscriber:
    """Return one system, which erases a whole batch in one transaction."""
    made = Subscriber(
        system_id=one["system_id"],
        organisation_id=one["organisation_id"],
        keys=SystemKeyPair.from_json(Path(one["keys_file"]).read_text(encoding="utf-8")),
        kafka=KafkaConnection(
            bootstrap=told["kafka"],
            username=one["username"],
            password=one["password"],
            ca_file=Path(told["kafka_ca_file"]),
        ),
        outcomes=SqliteOutcomeStore(Path(one["outcomes_file"])),
        store=told["store"],
    )
    names = [
        f"{told['schema']}.data_{one['number']}_{table}" for table in range(1, told["tables"] + 1)
    ]
    deletions = [f"delete from {name} where person = any($1) returning person" for name in names]
    if Right.ACCESS in told["rights"]:

        @made.access
        async def access(request: AccessRequest) -> AsyncIterator[Row]:
            person = request.identity.first("account_id")
            async with pool.acquire() as connection:
                for name in names:
                    for row in await connection.fetch(
                        f"select person, value from {name} where person = $1", person
                    ):
                        yield Row(name.rpartition(".")[2], dict(row))

    @made.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        people = [request.identity.first("account_id") or "" for request in requests]
        erased: Counter[str] = Counter()
        async with pool.acquire() as connection, connection.transaction():
            for deletion in deletions:
                erased.update(row[0] for row in await connection.fetch(deletion, people))
        return [
            Erased(erased[person]) if erased[person] or request.may_be_repeat else NotFound()
            for person, request in zip(people, requests, strict=True)
        ]

    return made


async def main(told: dict[str, Any]) -> None:
    """Serve all of them until SIGTERM."""
    count = len(told["systems"])
    async with asyncpg.create_pool(
        told["database"], min_size=1, max_size=min(count, _CONNECTIONS)
    ) as pool:
        systems = [subscriber(one, told, pool) for one in told["systems"]]
        waiting = set(range(count))

        def ready(number: int) -> None:
            waiting.discard(number)
            if not waiting:
                Path(told["ready_file"]).touch()

        for number, one in enumerate(systems):
            one.on_ready(partial(ready, number))
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        serving = [asyncio.create_task(one.serve()) for one in systems]
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait([stopped, *serving], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(one.stop() for one in systems))
        await asyncio.gather(*serving)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
