"""Systems that are retired, and organisations that are sold, while requests are open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from temporalio.testing import WorkflowEnvironment
from workflow.fanout.apart_test import a_leaver, decide, end
from workflow.fanout.cohort_world import World, a_world
from workflow.fanout.tiers_test import told

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.registry import Registry, Sale
from dsr_fanout.orders import NEWEST
from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_wire.codec.amendments import PlanChanged, Succession
from dsr_wire.codec.notices import Instruction
from support.builders import NOW, a_registry, a_system, an_id
from support.waiting import eventually

CRM, BILLING, MAILER = SystemId("crm"), SystemId("billing"), SystemId("mailer")
MAIL = OrganisationId("example-mail")


def published(world: World, registry: Registry) -> Registry:
    """Make a version the newest."""
    world.registries.versions[registry.digest] = registry
    return registry


def with_successors(world: World, successors: Mapping[str, str | None]) -> Registry:
    """Publish a version in which systems are retired, each with a successor or without."""
    systems = [
        replace(one, retired_on=NOW.date(), successor=successors[one.id])
        if one.id in successors
        else one
        for one in world.registry.systems
    ]
    return published(world, a_registry(*systems))  # type: ignore[arg-type] # ids are text


def joined(world: World) -> dict[str, datetime | None]:
    """Return whom notices told after a change of plan, each with the time since which it answers."""
    return {
        system.system_id: system.answers_since
        for one in world.publisher.notices
        if "/joined-" in one.notice_id
        for system in one.systems
    }


async def test_the_successor_is_put_on_record_and_then_told_and_reminded(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order(members=2)
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        newer = with_successors(world, {"crm": "mailer"})
        await handle.signal(CohortWorkflow.replan, newer.digest)
        await eventually(lambda: joined(world))
        world.ledger.owed = {"mailer": tuple(order.request_ids)}
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: set(world.publisher.asked(1)) == {"mailer"})
        await end(world, order, handle)
    version = (await world.registries.newest()).published_at
    change = PlanChanged(newer.digest, (), (), (Succession(CRM, MAILER, MAIL, version),))
    assert [(one.request_id, one.change) for one in world.publisher.amended] == [
        (one, change) for one in order.request_ids
    ]
    assert joined(world) == {"mailer": version}
    [reminder] = [one for one in world.publisher.notices if one.reminder]
    assert [one.answers_since for one in reminder.systems] == [version]
    assert world.intake.sealed_by["mailer"] == newer.digest
    assert world.intake.sealed_by["billing"] == order.registry_digest


async def test_a_further_version_tells_nobody_again_who_was_told(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        second = with_successors(world, {"crm": "mailer"})
        await handle.signal(CohortWorkflow.replan, second.digest)
        await eventually(lambda: joined(world))
        third = published(world, a_registry(*second.systems, a_system("archive")))
        await handle.signal(CohortWorkflow.replan, third.digest)
        await eventually(lambda: "archive" in joined(world))
        await end(world, order, handle)
    rounds = [one for one in world.publisher.notices if "/joined-" in one.notice_id]
    assert [[each.system_id for each in one.systems] for one in rounds] == [["mailer"], ["archive"]]
    first, last = (one.change for one in world.publisher.amended)
    assert isinstance(first, PlanChanged)
    assert isinstance(last, PlanChanged)
    assert last.successions == first.successions


async def test_a_version_that_is_published_again_has_back_whom_another_took_out(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        wrong = with_successors(world, {"crm": "mailer"})
        await handle.signal(CohortWorkflow.replan, wrong.digest)
        await eventually(lambda: joined(world))
        world.registries.publish_again(order.registry_digest)
        await handle.signal(CohortWorkflow.replan, order.registry_digest)
        await eventually(lambda: "crm" in joined(world))
        await end(world, order, handle)
    change = world.publisher.amended[-1].change
    assert isinstance(change, PlanChanged)
    assert [one for one, _ in change.added] == [CRM]


async def test_who_is_retired_without_a_successor_owes_as_before(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        newer = with_successors(world, {"crm": None})
        await handle.signal(CohortWorkflow.replan, newer.digest)
        world.ledger.owed = {"crm": tuple(order.request_ids)}
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: set(world.publisher.asked(1)) == {"crm"})
        await end(world, order, handle)
    assert world.publisher.amended == []


async def test_a_hold_on_a_retired_system_leaves_its_successor_out_until_it_is_lifted(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        with_successors(world, {"crm": "mailer"})
        order = await a_leaver(world, owed=("mailer",))
        order.replan.append(NEWEST)
        hold = {"hold_id": an_id(7001), "system_ids": ["crm"]}
        handle = await decide(world, order, "hold_placed", **hold)
        await eventually(lambda: told(handle, "waiting for answers"))
        assert joined(world) == {}
        suspended = world.publisher.instructed(Instruction.SUSPEND, 1)
        assert set(suspended) == {"crm", "mailer"}
        await decide(world, order, "hold_lifted", 2, hold_id=an_id(7001))
        await eventually(
            lambda: set(world.publisher.instructed(Instruction.PERFORM, 2)) == {"mailer"}
        )
        await end(world, order, handle)
    [notice] = [one for one in world.publisher.notices if one.revision == 2]
    assert all(one.answers_since is not None for one in notice.systems)


async def test_what_was_sold_before_a_request_owes_it_nothing(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        for sold_on, removed in ((date(2000, 1, 1), (MAILER,)), (date(2200, 1, 1), None)):
            before = len(world.publisher.amended)
            order = await world.an_order()
            handle = await world.start(order)
            await eventually(lambda handle=handle: told(handle, "waiting for answers"))
            organisations = tuple(
                replace(one, sold=Sale(on=sold_on, to="a buyer")) if one.id == MAIL else one
                for one in world.registry.organisations
            )
            newer = published(world, Registry(organisations, world.registry.systems))
            await handle.signal(CohortWorkflow.replan, newer.digest)
            if removed:
                await eventually(lambda: world.publisher.amended)
            await end(world, order, handle)
            mine = world.publisher.amended[before:]
            del world.registries.versions[newer.digest]
            found = [one.change.removed for one in mine if isinstance(one.change, PlanChanged)]
            assert found == ([removed] if removed else [])
