"""What a revoked key can still do, whatever keeps the ledger: run on the fake and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from unit.verifier.behaviour import state_of
from unit.verifier.world import (
    World,
    a_new_request_id,
    answer,
    answers_of_all,
    batch,
    keys_of,
    reasons,
)

from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_verifier.ports import Received
from dsr_wire.keys import Revocation
from support.builders import NOW

BEFORE = NOW - timedelta(seconds=1)


def received(record: Received, at: datetime) -> Received:
    return replace(record, received_at=at)


def revoke(world: World, *, at: datetime = NOW) -> None:
    """Revoke the key of `crm`, as the registry topic tells it."""
    public = keys_of("crm").public
    revoked = replace(public, revoked=(Revocation(public.signing.id, at, "leaked"),))
    world.registry.public["crm"] = revoked


class RevocationBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_an_answer_by_a_key_that_was_revoked_before_it_came_closes_nothing(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        revoke(world)
        tally = await world.record(answers_of_all(request_id))
        assert (reasons(tally), tally.recorded, tally.closures) == (["key_revoked"], 1, [])
        request, standings = await state_of(world, request_id)
        assert (request.open_count, SystemId("crm") in standings) == (1, False)

    async def test_an_answer_that_came_before_its_key_was_revoked_is_believed_whenever_it_is_read(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        revoke(world)
        world.pass_time(timedelta(days=1))
        records = [received(one, BEFORE) for one in answers_of_all(request_id)]
        tally = await world.record(records)
        assert (reasons(tally), len(tally.closures)) == ([], 1)

    async def test_an_answer_by_a_former_key_that_is_not_revoked_is_believed(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        leaked = keys_of("another pair of crm").public.signing
        public = keys_of("crm").public
        world.registry.public["crm"] = replace(
            public,
            signing=leaked,
            former_signing=(public.signing,),
            revoked=(Revocation(leaked.id, BEFORE, "leaked"),),
        )
        assert (await world.record([batch(answer(request_id))])).recorded == 1

    async def test_a_parked_answer_that_came_before_its_key_was_revoked_is_joined(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        record = received(batch(answer(request_id)), BEFORE)
        assert (await world.record([record])).parked == 1
        revoke(world)
        world.pass_time(timedelta(hours=1))
        assert (await world.open(request_id)).recorded == 1

    async def test_a_parked_answer_whose_key_turns_out_to_have_been_revoked_is_refused_when_joined(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        earlier = received(batch(answer(request_id, disposition=Disposition.RECEIVED)), BEFORE)
        record = batch(answer(request_id, sequence=2))
        assert (await world.record([earlier, record])).parked == 2
        revoke(world)
        joined = await world.open(request_id)
        assert (joined.recorded, reasons(joined)) == (1, ["key_revoked"])
        assert joined.refusals == [], "the transaction that refused it has dead-lettered it"
        assert joined.buried[0].received == record
        assert await world.ledger.parked_count() == 0
