"""A registry change while requests are open: who joins must answer too, and nobody is let off."""

from __future__ import annotations

from datetime import timedelta

from temporalio.testing import WorkflowEnvironment
from workflow.fanout.apart_test import a_leaver, decide, end
from workflow.fanout.cohort_world import World, a_world, events
from workflow.fanout.tiers_test import told

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.registry import Registry
from dsr_fanout.orders import NEWEST
from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_wire.codec.amendments import LeftCohort, PlanChanged
from support.builders import a_registry, a_system, an_id
from support.waiting import eventually


def a_newer(world: World) -> Registry:
    """Publish a version in which a system has joined, and another is there no more."""
    newer = a_registry(a_system("archive", "example-archive"), a_system("crm"), a_system("billing"))
    world.registries.versions[newer.digest] = newer
    return newer


async def told_of(world: World) -> set[str]:
    """Return the systems that were told of the newer version's plan."""
    return {
        system.system_id
        for one in world.publisher.notices
        if "/joined-" in one.notice_id
        for system in one.systems
    }


async def test_who_joins_is_put_on_record_for_every_member_and_then_told(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order(members=2)
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        newer = a_newer(world)
        for _ in range(2):
            await handle.signal(CohortWorkflow.replan, newer.digest)
        await eventually(lambda: told_of(world))
        world.ledger.owed = {"archive": tuple(order.request_ids), "crm": (order.request_ids[0],)}
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: set(world.publisher.asked(1)) == {"archive", "crm"})
        await handle.signal(CohortWorkflow.replan, newer.digest)
        await end(world, order, handle)
    changes = [(one.request_id, one.change) for one in world.publisher.amended]
    added = ((SystemId("archive"), OrganisationId("example-archive")),)
    assert changes == [(one, PlanChanged(newer.digest, added, ())) for one in order.request_ids]
    assert {one.revision for one in world.publisher.amended} != {0}
    assert await told_of(world) == {"archive"}, "mailer owes its answer all the same"


async def test_a_version_that_adds_nobody_amends_nothing(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await handle.signal(CohortWorkflow.replan, order.registry_digest)
        smaller = a_registry(a_system("crm"))
        world.registries.versions[smaller.digest] = smaller
        await handle.signal(CohortWorkflow.replan, smaller.digest)
        await eventually(lambda: told(handle, "waiting for answers"))
        await end(world, order, handle)
    assert world.publisher.amended == []
    assert len(world.publisher.notices) == 2


async def test_a_cohort_of_an_older_version_looks_for_itself_when_it_is_opened(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        newer = a_newer(world)
        handle = await world.start(order)
        await eventually(lambda: told_of(world))
        await end(world, order, handle)
        assert len(await events(handle)) <= 16
    assert {type(one.change) for one in world.publisher.amended} == {PlanChanged}
    assert {one.registry_digest for one in world.publisher.opened} == {order.registry_digest}
    assert newer.digest != order.registry_digest


async def test_a_leaver_looks_for_itself_and_a_stopped_one_does_not(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        a_newer(world)
        for kind, kinds in (
            ("hold_placed", [LeftCohort, PlanChanged]),
            ("stopped", [LeftCohort]),
        ):
            order = await a_leaver(world, owed=("crm",))
            order.replan.append(NEWEST)
            more = {"outcome": "withdrawn"} if kind == "stopped" else {"hold_id": an_id(7001)}
            handle = await decide(world, order, kind, **more)
            await eventually(lambda handle=handle: told(handle, "waiting for answers"))
            await end(world, order, handle)
            mine = [one for one in world.publisher.amended if one.request_id == order.cohort_id]
            assert [one for one in map(type, (m.change for m in mine)) if one in kinds] == kinds
            assert (PlanChanged in {type(one.change) for one in mine}) is (PlanChanged in kinds)
    assert await told_of(world) == set(), "a hold on all covers who joins as well"
