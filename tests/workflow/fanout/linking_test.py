"""Once more identifiers of a person are known, those are told anew who lacked them."""

from __future__ import annotations

from temporalio.testing import WorkflowEnvironment
from workflow.fanout.apart_test import HOLD, a_leaver, decide, end
from workflow.fanout.cohort_world import a_world

from dsr_wire.codec.amendments import LeftCohort
from dsr_wire.codec.decisions import HoldPlaced
from dsr_wire.codec.notices import Instruction
from support.waiting import eventually


async def test_who_was_told_without_a_usable_identifier_is_told_anew_once_more_are_known(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world, owed=("billing", "crm"))
        handle = await decide(world, order, "identity_expanded", system_ids=["crm", "mailer"])
        await eventually(lambda: world.publisher.instructed(Instruction.PERFORM, 1))
        told_anew = set(world.publisher.instructed(Instruction.PERFORM, 1))
        assert told_anew == {"crm"}, "mailer has confirmed, and billing was told with one"
        await decide(world, order, "hold_placed", 2, hold_id=HOLD, system_ids=["crm"])
        await decide(world, order, "identity_expanded", 3, system_ids=["billing", "crm"])
        await eventually(lambda: world.publisher.instructed(Instruction.PERFORM, 3))
        assert set(world.publisher.instructed(Instruction.PERFORM, 3)) == {"billing"}
        await end(world, order, handle)
    assert [type(one.change) for one in world.publisher.amended] == [LeftCohort, HoldPlaced]
