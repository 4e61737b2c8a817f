"""The lean fan-out: a workflow for each cohort that arrives, a signal for each that is closed."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from cohort import LeanCohort
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.worker import Worker
from wiring import TOLD, batches, consumer, producer, say_ready, send

_QUEUE = "lean"
_CALLS = 100


async def main() -> None:
    temporal = await Client.connect(TOLD["temporal"])
    out = await producer(linger_ms=5)
    gate = asyncio.Semaphore(_CALLS)
    systems = range(1, TOLD["systems"] + 1)

    @activity.defn
    async def tell(members: list[str]) -> None:
        cohort = members[0]
        plan: list[tuple[str, str, object]] = [("lean.obligations", cohort, members)]
        plan += [(f"lean.notices.{system}", cohort, members) for system in systems]
        await send(out, plan)

    async def begin(cohort: str, members: list[str]) -> None:
        async with gate:
            await temporal.start_workflow(
                LeanCohort.run,
                members,
                id=f"lean-{cohort}",
                task_queue=_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )

    async def end(cohort: str, _value: Any) -> None:
        async with gate:
            await temporal.get_workflow_handle(f"lean-{cohort}").signal(LeanCohort.over)

    async def follow(topic: str, act: Callable[[str, Any], Awaitable[None]]) -> None:
        source = await consumer(topic)
        ready.release()
        async for messages in batches(source, limit=300, wait_ms=200):
            await asyncio.gather(
                *(act(one.key.decode(), json.loads(one.value)) for one in messages)
            )

    async def announce() -> None:
        for _ in range(2):
            await ready.acquire()
        say_ready()

    ready = asyncio.Semaphore(0)
    worker = Worker(
        temporal,
        task_queue=_QUEUE,
        workflows=[LeanCohort],
        activities=[tell],
        max_concurrent_workflow_tasks=50,
        max_cached_workflows=5000,
    )
    async with worker:
        await asyncio.gather(
            follow("lean.requests", begin), follow("lean.closures", end), announce()
        )


if __name__ == "__main__":
    asyncio.run(main())
