"""Which links the ledger passes on, whatever store is behind it."""

from __future__ import annotations

from unit.verifier.behaviour import state_of
from unit.verifier.world import World, a_new_request_id, answer, answers_of_all, batch

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition

CRM = SystemId("crm")


def finding(request_id: RequestId, sequence: int = 1, sealed: bytes = b"sealed") -> Acknowledgement:
    """An answer that holds links."""
    return answer(
        request_id,
        sequence=sequence,
        disposition=Disposition.IN_PROGRESS,
        records=0,
        sealed_links=sealed,
    )


class LinkingBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_links_are_passed_on_once_however_often_their_answer_comes(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        record = batch(finding(request_id))
        assert (await world.record([record])).links == 1
        assert (await world.record([record])).links == 0

    async def test_each_answer_with_links_is_told_and_none_without(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        tally = await world.record(
            [
                batch(finding(request_id), finding(request_id, 2, b"more")),
                batch(answer(request_id, sequence=3, disposition=Disposition.ERASED)),
            ]
        )
        assert (tally.links, tally.recorded) == (2, 3)

    async def test_links_change_nothing_of_where_an_obligation_stands(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        await world.record([batch(finding(request_id))])
        await world.record([batch(finding(request_id, sealed=b"others"))])
        _, standings = await state_of(world, request_id)
        assert not standings[CRM].is_contradicted

    async def test_links_that_come_before_the_obligations_are_passed_on_with_them(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        tally = await world.record([batch(finding(request_id))])
        assert (tally.parked, tally.links) == (1, 0)
        await world.open(request_id)
        again = await world.record([batch(finding(request_id))])
        assert (again.repeated, again.links) == (1, 0)

    async def test_links_that_come_after_the_closing_are_told_to_nobody(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        await world.record(answers_of_all(request_id))
        tally = await world.record([batch(finding(request_id, 9))])
        assert tally.links == 0
