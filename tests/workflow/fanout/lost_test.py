"""What is lost on its way to a cohort's workflow, and what must happen all the same."""

from __future__ import annotations

from datetime import timedelta

from temporalio.testing import WorkflowEnvironment
from workflow.fanout.apart_test import a_decision, end
from workflow.fanout.cohort_world import a_world
from workflow.fanout.tiers_test import tiers, told

from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_wire.codec.decisions import Stopped
from support.waiting import eventually


async def test_who_could_not_be_told_is_told_though_every_member_has_left(
    skipping: WorkflowEnvironment,
) -> None:
    """The cohort's workflow ended with the first notice unsent, and the leavers send none."""
    async with a_world(skipping) as world:
        order = await world.an_order(members=2)
        topic = "dsr.deletion.example-group.v1"
        world.publisher.missing_topics.add(topic)
        handle = await world.start(order)
        await eventually(lambda: told(handle, "held up at notify: untold"))
        world.intake.knows(order.cohort_id, members=2, open_members=0, open_leavers=2)
        await handle.signal(CohortWorkflow.answered)
        await eventually(lambda: told(handle, "telling who was not told yet"))
        world.publisher.missing_topics.discard(topic)
        await handle.result()
        organisations = {one.organisation_id for one in world.publisher.notices}
        assert "example-group" in organisations


async def test_a_decision_says_that_it_is_proven_who_asks_though_the_proof_is_lost(
    skipping: WorkflowEnvironment,
) -> None:
    """The proof may lie among the dead letters: no decision follows but upon an open request."""
    async with a_world(skipping) as world:
        now = await skipping.get_current_time()
        due_at = now + timedelta(days=30)
        order = await world.an_order(
            verify_identity_by=now + timedelta(days=5),
            due_at=due_at,
            received_at=now,
            tiers=tiers(now, due_at),
        )
        await world.start(order)
        decided = await a_decision(world, order, "stopped", 2, outcome="withdrawn")
        handle = await world.set_apart(order, decided)

        async def is_amended() -> bool:
            return any(isinstance(one.change, Stopped) for one in world.publisher.amended)

        await eventually(is_amended)
        await end(world, order, handle)
        assert len(world.publisher.opened) == 1
