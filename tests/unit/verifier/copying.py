"""Erasures that wait until a copy is settled, whatever keeps the ledger: run on the fake and on PostgreSQL."""

from __future__ import annotations

from unit.verifier.amending import MAILER, WITHDRAWN
from unit.verifier.handing_over import handed_over
from unit.verifier.phasing import ALL_LATER, confirmed
from unit.verifier.world import (
    World,
    a_new_request_id,
    a_record,
    amendment,
    answer,
    batch,
    copy_settled,
    obligations,
    reasons,
)

from dsr_contracts.v1 import copies_pb2
from dsr_core.ids import RequestId
from dsr_core.rights import Disposition, Right
from dsr_verifier.application.tally import Tally
from dsr_wire.topics import COPIES

D = Disposition


async def asked(world: World) -> tuple[RequestId, RequestId]:
    """A request for access that is open, and a deletion that waits for it."""
    access, request_id = a_new_request_id(), a_new_request_id()
    await world.open(access, right=Right.ACCESS)
    await world.open(request_id, phases=ALL_LATER, after=(access,))
    return access, request_id


async def closed(world: World, access: RequestId) -> Tally:
    """Close a request for access for which `crm` has handed something over."""
    nothing = answer(access, MAILER, D.NOT_FOUND, right=Right.ACCESS)
    return await world.record([batch(handed_over(access, 7)), batch(nothing, by=MAILER)])


class CopyingBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_erasing_waits_for_the_copy_and_not_for_the_closing_alone(
        self, world: World
    ) -> None:
        access, request_id = await asked(world)
        tally = await closed(world, access)
        assert [one.request_id for one in tally.closures] == [access]
        assert confirmed(tally) == []
        assert confirmed(await world.copier.take([copy_settled(access)])) == [(request_id, 0)]
        assert confirmed(await world.copier.take([copy_settled(access)])) == []

    async def test_a_copy_that_is_settled_before_the_erasure_comes_is_not_waited_for(
        self, world: World
    ) -> None:
        access, request_id = a_new_request_id(), a_new_request_id()
        await world.open(access, right=Right.ACCESS)
        await closed(world, access)
        await world.copier.take([copy_settled(access)])
        opening = obligations(request_id, phases=ALL_LATER, after=(access,))
        assert confirmed(await world.opener.take([opening])) == [(request_id, 0)]

    async def test_a_copy_that_is_being_made_as_the_erasure_comes_is_waited_for(
        self, world: World
    ) -> None:
        access, request_id = a_new_request_id(), a_new_request_id()
        await world.open(access, right=Right.ACCESS)
        await closed(world, access)
        opening = obligations(request_id, phases=ALL_LATER, after=(access,))
        assert confirmed(await world.opener.take([opening])) == []
        assert confirmed(await world.copier.take([copy_settled(access)])) == [(request_id, 0)]

    async def test_what_is_said_of_an_open_request_ends_the_waiting_as_well(
        self, world: World
    ) -> None:
        access, request_id = await asked(world)
        assert confirmed(await world.copier.take([copy_settled(access)])) == [(request_id, 0)]
        assert confirmed(await closed(world, access)) == []

    async def test_a_request_that_ends_before_it_is_known_is_waited_for_until_it_is_said(
        self, world: World
    ) -> None:
        access, request_id = a_new_request_id(), a_new_request_id()
        opening = obligations(request_id, phases=ALL_LATER, after=(access,))
        assert confirmed(await world.opener.take([opening])) == []
        assert confirmed(await world.copier.take([copy_settled(access)])) == [(request_id, 0)]
        assert confirmed(await world.copier.take([copy_settled(access)])) == []

    async def test_what_is_said_before_the_erasure_comes_is_kept(self, world: World) -> None:
        access, request_id = a_new_request_id(), a_new_request_id()
        await world.copier.take([copy_settled(access)])
        opening = obligations(request_id, phases=ALL_LATER, after=(access,))
        assert confirmed(await world.opener.take([opening])) == [(request_id, 0)]

    async def test_of_what_ended_otherwise_no_copy_is_made(self, world: World) -> None:
        access, request_id = await asked(world)
        await world.record([batch(handed_over(access, 7))])
        await world.amend(amendment(access, WITHDRAWN))
        stopped = answer(access, MAILER, D.STOPPED, right=Right.ACCESS)
        assert confirmed(await world.record([batch(stopped, by=MAILER)])) == [(request_id, 0)]

    async def test_every_copy_of_several_is_waited_for(self, world: World) -> None:
        first, other, request_id = (a_new_request_id() for _ in range(3))
        for one in (first, other):
            await world.open(one, right=Right.ACCESS)
        await world.open(request_id, phases=ALL_LATER, after=(first, other))
        await closed(world, first)
        await closed(world, other)
        assert confirmed(await world.copier.take([copy_settled(other)])) == []
        assert confirmed(await world.copier.take([copy_settled(first)])) == [(request_id, 0)]

    async def test_what_cannot_be_read_is_refused_and_the_others_count(self, world: World) -> None:
        access, request_id = await asked(world)
        await closed(world, access)
        nameless = a_record(COPIES.name, copies_pb2.CopySettled(request_id="nobody"))
        tally = await world.copier.take([nameless, copy_settled(access)])
        assert reasons(tally) == ["invalid_field"]
        assert confirmed(tally) == [(request_id, 0)]
