"""Answers after the closing, whatever keeps the ledger: run on the fake and on PostgreSQL."""

from __future__ import annotations

from unit.verifier.behaviour import state_of
from unit.verifier.world import World, a_new_request_id, answer, answers_of_all, batch

from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_verifier.application.tally import Tally

CRM = SystemId("crm")


async def closed(world: World) -> RequestId:
    """A request that both its systems have confirmed under sequence 1."""
    request_id = a_new_request_id()
    await world.open(request_id)
    assert len((await world.record(answers_of_all(request_id))).closures) == 1
    return request_id


async def says(
    world: World, request_id: RequestId, disposition: Disposition, *, sequence: int
) -> Tally:
    """What becomes of one more answer of `crm`; whatever it says, standings and closure stay."""
    before = await state_of(world, request_id)
    record = batch(answer(request_id, disposition=disposition, sequence=sequence))
    tally = await world.record([record])
    assert (tally.recorded, tally.contradictions, tally.closures) == (0, 0, [])
    assert await state_of(world, request_id) == before
    return tally


class LateBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_answer_after_closing_is_recorded_and_changes_nothing(self, world: World) -> None:
        request_id = await closed(world)
        tally = await says(world, request_id, Disposition.ERASED, sequence=9)
        assert (tally.late, tally.against_closure) == (1, [])
        async with world.ledger.transaction() as transaction:
            assert len((await transaction.answers([(request_id, CRM)]))[request_id, CRM]) == 2

    async def test_answer_after_closing_that_contradicts_it_is_not_merely_late(
        self, world: World
    ) -> None:
        request_id = await closed(world)
        tally = await says(world, request_id, Disposition.FAILED, sequence=9)
        assert (tally.late, tally.against_closure) == (0, [(request_id, CRM)])

    async def test_contradicting_answer_after_closing_that_comes_again_counts_once(
        self, world: World
    ) -> None:
        request_id = await closed(world)
        record = batch(answer(request_id, disposition=Disposition.FAILED, sequence=9))
        tally = await world.one_by_one([record, record])
        assert (tally.against_closure, tally.repeated) == ([(request_id, CRM)], 1)

    async def test_an_earlier_answer_that_comes_after_closing_contradicts_nothing(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        last = batch(answer(request_id, sequence=2))
        assert (await world.record([last, *answers_of_all(request_id)[1:]])).closures
        tally = await says(world, request_id, Disposition.FAILED, sequence=1)
        assert (tally.late, tally.against_closure) == (1, [])

    async def test_a_contradiction_after_closing_ends_with_the_next_confirmation(
        self, world: World
    ) -> None:
        request_id = await closed(world)
        await says(world, request_id, Disposition.IN_PROGRESS, sequence=2)
        tally = await says(world, request_id, Disposition.ERASED, sequence=3)
        assert (tally.late, tally.against_closure) == (1, [])

    async def test_a_contradiction_and_what_closes_another_request_in_one_micro_batch(
        self, world: World
    ) -> None:
        first, second = await closed(world), a_new_request_id()
        await world.open(second)
        record = batch(answer(first, disposition=Disposition.FAILED, sequence=2), answer(second))
        tally = await world.record([record, *answers_of_all(second)[1:]])
        assert (tally.recorded, tally.against_closure) == (2, [(first, CRM)])
        assert [one.request_id for one in tally.closures] == [second]
