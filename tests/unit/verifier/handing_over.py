"""What the ledger keeps of an export that a system has handed over, whatever store is behind it."""

from __future__ import annotations

from unit.verifier.behaviour import state_of
from unit.verifier.world import World, a_new_request_id, answer, batch

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.exports import Delivery
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition, Right
from support.builders import an_id

CRM = SystemId("crm")


def handed_over(request_id: RequestId, export: int) -> Acknowledgement:
    """The answer that hands over an export."""
    delivery = Delivery(
        export_id=an_id(export),
        sealed_key=b"sealed",
        size=1000,
        index_size=90,
        index_digest=bytes(range(32)),
        files=2,
    )
    return answer(
        request_id, disposition=Disposition.DELIVERED, right=Right.ACCESS, delivery=delivery
    )


class HandingOverBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_what_was_handed_over_stands_with_the_obligation_and_replays_as_it_was(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id, right=Right.ACCESS)
        record = batch(handed_over(request_id, 7))
        await world.record([record])
        before = await state_of(world, request_id)
        stored = before[1][CRM].answer
        assert stored is not None
        assert stored.delivery == handed_over(request_id, 7).delivery
        assert before[1][CRM].is_confirmed
        again = await world.record([record])
        assert again.repeated == 1
        assert await state_of(world, request_id) == before

    async def test_another_export_under_the_same_sequence_is_a_contradiction(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id, right=Right.ACCESS)
        await world.record([batch(handed_over(request_id, 7)), batch(handed_over(request_id, 8))])
        _, standings = await state_of(world, request_id)
        assert standings[CRM].is_contradicted
