"""Record the histories that the replay test replays for ever.

    .venv/bin/python tests/replay/fanout/record.py NAME

writes each case as `histories/<case>-<NAME>.json`. Run it under a new name whenever the workflow
changes, and keep what is there: cohorts that began under older code are still open.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.testing import WorkflowEnvironment

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from workflow.fanout.apart_test import (  # noqa: E402 - as above
    HOLD,
    a_leaver,
    a_settled,
    decide,
    later_dates,
)
from workflow.fanout.cohort_world import World, a_world  # noqa: E402 - as above
from workflow.fanout.succession_test import joined, with_successors  # noqa: E402 - as above
from workflow.fanout.tiers_test import tiers as tiers_of  # noqa: E402 - as above

from dsr_core.cohorts import workflow_id  # noqa: E402 - the tests' folder must be on the path first
from dsr_fanout.adapters.temporal import (  # noqa: E402 - as above
    add_search_attributes,
    ensure_search_attributes,
)
from dsr_fanout.orders import SEARCH_ATTRIBUTES, Order, Tier, Verified  # noqa: E402 - as above
from dsr_fanout.workflows.cohort import CohortWorkflow  # noqa: E402 - as above
from support.waiting import eventually  # noqa: E402 - as above

_SERVER = Path(sys.executable).parent / "temporal-test-server"
_DEVELOPMENT_SERVER = Path(sys.executable).parent / "temporal"


async def answered(world: World) -> Order:
    """A cohort that is answered before its first tier."""
    order = await world.an_order(members=3)
    handle = await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def overdue(world: World) -> Order:
    """A cohort that is reminded, becomes overdue, and is answered days later."""
    order = await world.an_order()
    world.ledger.owed = {"crm": tuple(order.request_ids)}
    handle = await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    await handle.signal(CohortWorkflow.answered)
    await world.environment.sleep(timedelta(days=34))
    world.answer(order)
    await handle.result()
    return order


async def late(world: World) -> Order:
    """A cohort that was overdue when it came, and is reminded all the same."""
    now = await world.environment.get_current_time()
    order = await world.an_order(due_at=now - timedelta(days=1), remind_after_s=0.0)
    world.ledger.owed = {"crm": tuple(order.request_ids)}
    handle = await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    await world.environment.sleep(timedelta(hours=8))
    await eventually(lambda: world.publisher.asked(1))
    world.answer(order)
    await handle.result()
    return order


async def untold(world: World) -> Order:
    """A cohort of which one organisation cannot be told at first."""
    world.intake.without_keys = {"crm"}
    order = await world.an_order()
    handle = await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    await world.environment.sleep(timedelta(minutes=2))
    world.intake.without_keys.clear()
    await world.environment.sleep(timedelta(minutes=6))
    await eventually(lambda: len(world.publisher.asked(0)) == 3)
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def held_up(world: World) -> Order:
    """A cohort whose notices wait for intake."""
    world.intake.away.is_away = True
    order = await world.an_order()
    handle = await world.start(order)
    await eventually(lambda: world.intake.away.calls >= 3)
    await world.environment.sleep(timedelta(minutes=2))
    world.intake.away.is_away = False
    await world.environment.sleep(timedelta(minutes=6))
    await eventually(lambda: world.publisher.asked(0))
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def untold_for_long(world: World) -> Order:
    """A cohort of which one organisation is told only when it is overdue."""
    world.intake.without_keys = {"crm"}
    now = await world.environment.get_current_time()
    order = await world.an_order(due_at=now + timedelta(minutes=40), remind_after_s=1200.0)
    world.ledger.owed = {"mailer": tuple(order.request_ids)}
    handle = await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    await world.environment.sleep(timedelta(minutes=25))
    await eventually(lambda: world.publisher.asked(1))
    await handle.signal(CohortWorkflow.answered)
    await eventually(lambda: world.intake.reads[order.cohort_id] == 2)
    await world.environment.sleep(timedelta(minutes=20))
    world.intake.without_keys.clear()
    await world.environment.sleep(timedelta(minutes=6))
    await eventually(lambda: len(world.publisher.asked(0)) == 3)
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def reminder_held_up(world: World) -> Order:
    """A cohort that is answered while the verifier cannot say whom to remind."""
    order = await world.an_order()
    handle = await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    world.ledger.away.is_away = True
    await world.environment.sleep(timedelta(days=15, minutes=2))
    await eventually(lambda: world.ledger.away.calls >= 6)
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def tiers(world: World) -> Order:
    """A cohort that passes every tier of the rules, and is answered days after the legal date."""
    now = await world.environment.get_current_time()
    due_at = now + timedelta(days=30)
    actions = ("remind_systems", "escalate_to_organisation", "escalate_to_privacy_office")
    dated = [Tier(action=one, at=now + timedelta(days=15 + 5 * n)) for n, one in enumerate(actions)]
    order = await world.an_order(
        due_at=due_at, tiers=[*dated, Tier(action="record_breach", at=due_at)]
    )
    world.ledger.owed = {"crm": tuple(order.request_ids)}
    handle = await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    await world.environment.sleep(timedelta(days=34))
    world.answer(order)
    await handle.result()
    return order


async def proven(world: World) -> Order:
    """A cohort that waited for the proof of who asks, and had another date after it."""
    now = await world.environment.get_current_time()
    order = await world.an_order(
        due_at=now + timedelta(days=30), verify_identity_by=now + timedelta(days=30)
    )
    handle = await world.start(order)
    await world.environment.sleep(timedelta(days=3))
    due_at = now + timedelta(days=33)
    dated = [Tier(action="record_breach", at=due_at)]
    verified = Verified(due_at=due_at, tiers=dated)
    await handle.signal(CohortWorkflow.identity_verified, verified)
    await eventually(lambda: world.publisher.asked(0))
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def never_proven(world: World) -> Order:
    """A cohort for which nobody proved who asks."""
    now = await world.environment.get_current_time()
    order = await world.an_order(verify_identity_by=now + timedelta(days=30))
    handle = await world.start(order)
    await world.environment.sleep(timedelta(days=29))
    world.answer(order)
    await handle.result()
    return order


async def left_and_extended(world: World) -> Order:
    """A request that leaves its cohort by an extension, is reminded under it, and is answered."""
    order = await a_leaver(world)
    dates = later_dates(order, 60)
    handle = await decide(world, order, "deadline_extended", **dates)
    await world.environment.sleep(timedelta(days=50))
    await eventually(lambda: world.publisher.asked(1))
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def stopped(world: World) -> Order:
    """A request that is withdrawn from a cohort of one, and given up at its legal date."""
    now = await world.environment.get_current_time()
    due_at = now + timedelta(days=30)
    order = await world.an_order(
        members=1, received_at=now, due_at=due_at, tiers=tiers_of(now, due_at)
    )
    world.ledger.owed = {"crm": tuple(order.request_ids)}
    await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    handle = await decide(world, order, "stopped", outcome="withdrawn")
    await world.environment.sleep(timedelta(days=29))
    world.answer(order)
    await handle.result()
    return order


async def clarified(world: World) -> Order:
    """A request whose person is asked what is meant, and says it after its first tiers."""
    order = await a_leaver(world)
    handle = await decide(world, order, "clarification_asked")
    await world.environment.sleep(timedelta(days=20))
    dates = later_dates(order, 20)
    await decide(world, order, "clarification_given", 2, **dates)
    await world.environment.sleep(timedelta(days=20))
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def overtaken(world: World) -> Order:
    """A request whose second decision comes before its first, and a third whose forerunner is lost."""
    order = await a_leaver(world)
    handle = await decide(world, order, "hold_lifted", 2, hold_id=HOLD)
    await decide(world, order, "hold_placed", hold_id=HOLD)
    await eventually(lambda: len(world.publisher.amended) == 3)
    await decide(world, order, "obligation_settled", 4, settled=a_settled())
    await world.environment.sleep(timedelta(minutes=11))
    await eventually(lambda: len(world.publisher.amended) == 4)
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def held(world: World) -> Order:
    """A hold so long that a new history begins under it; it is lifted there."""
    order = await a_leaver(world)
    handle = await decide(world, order, "hold_placed", hold_id=HOLD)
    latest = world.client.get_workflow_handle(handle.id)
    began = (await latest.describe()).run_id

    async def continued() -> bool:
        reads = world.intake.reads[order.cohort_id]
        await latest.signal(CohortWorkflow.answered)
        await eventually(lambda: world.intake.reads[order.cohort_id] > reads)
        return (await latest.describe()).run_id != began

    await eventually(continued, within=60)
    await decide(world, order, "hold_lifted", 2, hold_id=HOLD)
    await eventually(lambda: len(world.publisher.amended) == 3)
    world.answer(order)
    await latest.signal(CohortWorkflow.answered)
    await handle.result()
    return order


async def replanned(world: World) -> Order:
    """A cohort that follows a version with a successor, and then the one that it pins again."""
    order = await world.an_order(members=2)
    handle = await world.start(order)
    await eventually(lambda: world.publisher.asked(0))
    newer = with_successors(world, {"crm": "mailer"})
    await handle.signal(CohortWorkflow.replan, newer.digest)
    await eventually(lambda: "mailer" in joined(world))
    await handle.signal(CohortWorkflow.replan, newer.digest)
    world.registries.publish_again(order.registry_digest)
    await handle.signal(CohortWorkflow.replan, order.registry_digest)
    await eventually(lambda: "crm" in joined(world))
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    await handle.result()
    return order


CASES: dict[str, Callable[[World], Awaitable[Order]]] = {
    "answered": answered,
    "overdue": overdue,
    "held-up": held_up,
    "late": late,
    "reminder-held-up": reminder_held_up,
    "untold": untold,
    "untold-for-long": untold_for_long,
    "tiers": tiers,
    "proven": proven,
    "never-proven": never_proven,
    "left-and-extended": left_and_extended,
    "stopped": stopped,
    "clarified": clarified,
    "overtaken": overtaken,
    "replanned": replanned,
}
"""What takes days, on the server that skips time."""

LONG_CASES: dict[str, Callable[[World], Awaitable[Order]]] = {"held": held}
"""What goes on in a new history, on the development server: there that comes after forty events."""


async def main(name: str) -> None:
    """Record every case."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(_SERVER)
    ) as environment:
        kinds = {key.name: int(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}
        await add_search_attributes(environment.client, kinds)
        for case, live in CASES.items():
            await _record(environment, case, live, name)
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(_DEVELOPMENT_SERVER),
        dev_server_extra_args=[
            "--dynamic-config-value",
            "limit.historyCount.suggestContinueAsNew=40",
        ],
    ) as environment:
        await ensure_search_attributes(environment.client)
        for case, live in LONG_CASES.items():
            await _record(environment, case, live, name)


async def _record(
    environment: WorkflowEnvironment,
    case: str,
    live: Callable[[World], Awaitable[Order]],
    name: str,
) -> None:
    """Live through a case and write its histories: one, or one for each that it went on in."""
    async with a_world(environment) as world:
        order = await live(world)
        run_id: str | None = None
        histories: list[Any] = []
        while True:
            identity = workflow_id(order.cohort_id)
            handle = world.client.get_workflow_handle(identity, run_id=run_id)
            history = json.loads((await handle.fetch_history()).to_json())
            histories.insert(0, history)
            started = history["events"][0]["workflowExecutionStartedEventAttributes"]
            run_id = started.get("continuedExecutionRunId")
            if not run_id:
                break
    for number, history in enumerate(histories):
        part = f"-{number}" if len(histories) > 1 else ""
        target = HERE / "histories" / f"{case}{part}-{name}.json"
        text = json.dumps(_without_the_machine(history), indent=1, sort_keys=True)
        target.write_text(f"{text}\n")
        sys.stdout.write(f"{target.name}: {len(history['events'])} events\n")


def _without_the_machine(value: Any) -> Any:
    """Drop what tells of the machine that recorded; replay reads none of it."""
    if isinstance(value, dict):
        return {
            key: _without_the_machine(one)
            for key, one in value.items()
            if key not in {"identity", "stackTrace", "binaryChecksum"}
        }
    if isinstance(value, list):
        return [_without_the_machine(one) for one in value]
    return value


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
