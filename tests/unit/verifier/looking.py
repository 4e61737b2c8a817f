"""What the ledger makes of a system that has to look again, whatever store is behind it."""

from __future__ import annotations

from unit.verifier.behaviour import state_of
from unit.verifier.world import World, a_new_request_id, amendment, answer, batch

from dsr_core.closing import Outcome
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_wire.codec.decisions import Stopped

CRM = SystemId("crm")


async def opened(world: World) -> RequestId:
    """A request for which `crm` has to look again, and `mailer` has confirmed."""
    request_id = a_new_request_id()
    await world.open(request_id, looks_again=frozenset({CRM}))
    await world.record([batch(answer(request_id, "mailer"), by="mailer")])
    return request_id


class LookingBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_an_erasure_alone_closes_nothing_and_a_second_look_does(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        assert not (await world.record([batch(answer(request_id))])).closures
        request, standings = await state_of(world, request_id)
        assert (request.open_count, standings[CRM].is_confirmed) == (1, False)
        looked = answer(request_id, disposition=Disposition.ABSENT, sequence=2)
        [closure] = (await world.record([batch(looked)])).closures
        assert closure.outcome is Outcome.FULFILLED

    async def test_both_in_one_batch_close_too(self, world: World) -> None:
        request_id = await opened(world)
        looked = answer(request_id, disposition=Disposition.ABSENT, sequence=2)
        assert (await world.record([batch(answer(request_id), looked)])).closures

    async def test_it_was_never_gone_keeps_the_request_open_and_is_counted(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        present = answer(request_id, disposition=Disposition.PRESENT, sequence=2)
        tally = await world.record([batch(answer(request_id), present)])
        assert (tally.closures, tally.contradictions) == ([], 1)
        request, standings = await state_of(world, request_id)
        assert (request.open_count, standings[CRM].is_contradicted) == (1, True)

    async def test_it_is_back_after_the_closing_is_held_against_it(self, world: World) -> None:
        request_id = await opened(world)
        looked = answer(request_id, disposition=Disposition.ABSENT, sequence=2)
        await world.record([batch(answer(request_id), looked)])
        back = answer(request_id, disposition=Disposition.PRESENT, sequence=3)
        tally = await world.record([batch(back)])
        assert list(tally.against_closure) == [(request_id, CRM)]

    async def test_who_is_asked_long_after_and_finds_nothing_closes_at_once(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        looked = answer(request_id, disposition=Disposition.ABSENT)
        tally = await world.record([batch(looked)])
        assert [one.outcome for one in tally.closures] == [Outcome.FULFILLED]
        assert tally.given == {(CRM, Disposition.ABSENT): 1}

    async def test_what_is_back_keeps_the_request_open_until_it_is_erased_and_looked_at(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        back = answer(request_id, disposition=Disposition.PRESENT)
        tally = await world.record([batch(back)])
        assert (tally.closures, tally.given) == ([], {(CRM, Disposition.PRESENT): 1})
        assert not (await world.record([batch(answer(request_id, sequence=2))])).closures
        gone = answer(request_id, disposition=Disposition.ABSENT, sequence=3)
        assert (await world.record([batch(gone)])).closures
        assert not (await world.record([batch(back)])).given

    async def test_who_stops_need_not_look_again(self, world: World) -> None:
        request_id = await opened(world)
        await world.record([batch(answer(request_id))])
        stopped = amendment(request_id, Stopped(Outcome.WITHDRAWN))
        [closure] = (await world.amend(stopped)).closures
        assert closure.outcome is Outcome.WITHDRAWN
