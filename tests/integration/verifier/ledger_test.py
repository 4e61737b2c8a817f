"""The application on PostgreSQL: what the fake does, and what only a database can."""

from __future__ import annotations

import asyncio
import random

import asyncpg
import pytest
from integration.verifier.meeting import Meeting
from unit.verifier.amending import AmendingBehaviour
from unit.verifier.behaviour import LedgerBehaviour, state_of
from unit.verifier.copying import CopyingBehaviour
from unit.verifier.handing_over import HandingOverBehaviour
from unit.verifier.holding import HoldingBehaviour
from unit.verifier.late import LateBehaviour
from unit.verifier.linking import LinkingBehaviour, finding
from unit.verifier.looking import LookingBehaviour
from unit.verifier.phasing import PhasingBehaviour
from unit.verifier.replanning import ReplanningBehaviour
from unit.verifier.revocation import RevocationBehaviour
from unit.verifier.succession import SuccessionBehaviour
from unit.verifier.world import (
    SYSTEMS,
    World,
    a_new_request_id,
    a_registry_view,
    answer,
    answers_of_all,
    batch,
    keys_of,
    obligations,
)

from dsr_contracts.v1 import closures_pb2, links_pb2
from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_verifier.adapters.closing import closure_records
from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.bootstrap import BY_INDEX
from dsr_wire import merkle
from dsr_wire.codec.closures import closures_from_wire
from dsr_wire.codec.links import links_found_from_wire
from dsr_wire.envelope import decode, header
from dsr_wire.signing import signed_bytes
from dsr_wire.topics import ACKNOWLEDGEMENTS, LINKS, dead_letter
from support.builders import NOW, a_closure, a_cohort_id, a_request_id


class TestLedger(LedgerBehaviour):
    pass


class TestRevocation(RevocationBehaviour):
    pass


class TestPhasing(PhasingBehaviour):
    pass


class TestCopying(CopyingBehaviour):
    pass


class TestHandingOver(HandingOverBehaviour):
    pass


class TestLinking(LinkingBehaviour):
    pass


class TestLate(LateBehaviour):
    pass


class TestAmending(AmendingBehaviour):
    pass


class TestHolding(HoldingBehaviour):
    pass


class TestReplanning(ReplanningBehaviour):
    pass


class TestSuccession(SuccessionBehaviour):
    pass


class TestLooking(LookingBehaviour):
    pass


async def test_two_workers_with_the_last_two_answers_at_the_same_moment_close_once(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(25):
        request_id = a_new_request_id()
        await world.open(request_id)
        meeting = Meeting(pool, 2)
        workers = [World(meeting, a_registry_view()) for _ in SYSTEMS]
        tallies = await asyncio.gather(
            *(
                worker.record([record])
                for worker, record in zip(workers, answers_of_all(request_id), strict=True)
            )
        )
        closed = [one.request_id for tally in tallies for one in tally.closures]
        assert closed == [request_id]
        request, _ = await state_of(world, request_id)
        assert (request.open_count, request.closed_at is None) == (0, False)


async def test_the_same_record_at_two_workers_at_the_same_moment_counts_once(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(10):
        request_id = a_new_request_id()
        await world.open(request_id)
        workers = [World(Meeting(pool, 1), a_registry_view()) for _ in range(3)]
        records = answers_of_all(request_id)
        tallies = await asyncio.gather(*(worker.record(records) for worker in workers))
        assert sum(one.recorded for one in tallies) == 2
        assert sum(one.repeated for one in tallies) == 4
        assert sum(len(one.closures) for one in tallies) == 1


async def test_obligations_and_their_answers_at_the_same_moment_meet(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(25):
        request_id = a_new_request_id()
        meeting = Meeting(pool, 2)
        opening, recording = (World(meeting, a_registry_view()) for _ in range(2))
        tallies = await asyncio.gather(
            opening.opener.take([obligations(request_id)]),
            recording.record(answers_of_all(request_id)),
        )
        closed = [one.request_id for tally in tallies for one in tally.closures]
        assert closed == [request_id]
        assert await world.ledger.parked_count() == 0


async def test_workers_that_take_the_same_requests_in_other_orders_do_not_deadlock(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_ids = [a_new_request_id() for _ in range(60)]
    await world.open(*request_ids)
    shuffled = random.Random(11)
    meeting = Meeting(pool, 2)

    async def take(system_id: str) -> int:
        mixed = shuffled.sample(request_ids, len(request_ids))
        records = [batch(answer(one, system_id), by=system_id) for one in mixed]
        return len((await World(meeting, a_registry_view()).record(records)).closures)

    closed = await asyncio.gather(*(take(system_id) for system_id in SYSTEMS))
    assert sorted(closed) == [0, len(request_ids)]


async def test_a_closure_is_in_the_outbox_with_the_transaction_that_made_it(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    await pool.execute("delete from verifier.outbox")
    first, second = a_new_request_id(), a_new_request_id()
    await world.open(first, second)
    await world.record([batch(answer(first, one), answer(second, one), by=one) for one in SYSTEMS])
    (row,) = await pool.fetch("select * from verifier.outbox")
    assert (row["topic"], row["key"]) == ("dsr.closures.v1", first.encode())
    message = closures_pb2.Closures.FromString(row["value"])
    assert {one.request_id for one in closures_from_wire(message)} == {first, second}


async def test_links_are_in_the_outbox_with_the_transaction_that_recorded_their_answer(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    await pool.execute("delete from verifier.outbox")
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record([batch(finding(request_id, 2))])
    (row,) = await pool.fetch("select * from verifier.outbox")
    assert (row["topic"], row["key"]) == (LINKS.name, request_id.encode())
    found = links_found_from_wire(links_pb2.LinksFound.FromString(row["value"]))
    assert (found.request_id, found.system_id, found.sequence) == (request_id, "crm", 2)
    assert found.sealed == b"sealed"


async def test_an_expired_answer_is_in_the_outbox_as_it_came(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    await pool.execute("delete from verifier.outbox")
    record = batch(answer(a_new_request_id()))
    await world.record([record])
    world.pass_time(2 * world.limits.parked_for)
    await world.keeper.run_once()
    (row,) = await pool.fetch("select * from verifier.outbox")
    assert (row["topic"], row["value"]) == (dead_letter(ACKNOWLEDGEMENTS).name, record.value)
    assert "unknown_request" in row["headers"]
    assert await pool.fetchval("select count(*) from verifier.parked_records") == 0


def test_the_closures_of_one_cohort_go_together_in_bounded_messages() -> None:
    many = [
        a_closure(request_id=a_request_id(number), cohort_id=a_cohort_id(900 + number % 2))
        for number in range(700)
    ]
    records = closure_records(many, NOW)
    sizes = [
        len(closures_from_wire(decode(one.value, one.headers, closures_pb2.Closures)))
        for one in records
    ]
    assert sizes == [250, 100, 250, 100]
    ids = [header(one.headers, "ce_id") for one in records]
    assert len(set(ids)) == 4
    assert ids == [header(one.headers, "ce_id") for one in closure_records(many[::-1], NOW)[2:]] + [
        header(one.headers, "ce_id") for one in closure_records(many[::-1], NOW)[:2]
    ]


async def test_one_answer_can_be_shown_without_its_neighbours(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_ids = [a_new_request_id() for _ in range(7)]
    await world.open(*request_ids)
    await world.record([batch(*(answer(one) for one in request_ids))])
    row = await pool.fetchrow(
        "select a.leaf, a.leaf_index, b.* from verifier.acknowledgements a"
        " join verifier.batches b using (batch_id) where a.request_id = $1",
        request_ids[4],
    )
    assert row is not None
    joined = row["leaf_hashes"]
    hashes = [joined[at : at + 32] for at in range(0, len(joined), 32)]
    path = merkle.path(hashes, row["leaf_index"])
    root = merkle.root_from_path(
        merkle.leaf_hash(row["leaf"]), row["leaf_index"], row["size"], path
    )
    key = keys_of("crm").public.signing_key(row["key_id"])
    assert key is not None
    key.key.verify(row["signature"], signed_bytes("crm", row["size"], root))


@pytest.mark.parametrize(
    "table", ["acknowledgements", "batches", "closures", "amendments", "late_answers", "plans"]
)
async def test_evidence_cannot_be_changed(
    super_user: asyncpg.Pool[asyncpg.Record], world: World, table: str
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record(answers_of_all(request_id))
    for statement in (f"delete from verifier.{table}", f"truncate verifier.{table} cascade"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await super_user.execute(statement)


async def test_a_fault_undoes_the_whole_micro_batch(
    super_user: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    before = await state_of(world, request_id)
    await super_user.execute("alter table verifier.outbox rename to outbox_away")
    try:
        with pytest.raises(asyncpg.UndefinedTableError):
            await world.record(answers_of_all(request_id))
    finally:
        await super_user.execute("alter table verifier.outbox_away rename to outbox")
    assert await state_of(world, request_id) == before
    assert len((await world.record(answers_of_all(request_id))).closures) == 1


async def test_a_counter_that_is_wrong_does_not_close(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await pool.execute(
        "update verifier.requests set open_count = 1 where request_id = $1", request_id
    )
    tally = await world.record(answers_of_all(request_id)[:1])
    assert (tally.closures, tally.stuck) == ([], [request_id])
    request, _ = await state_of(world, request_id)
    assert request.closed_at is None


async def test_the_change_feed_is_pruned(pool: asyncpg.Pool[asyncpg.Record], world: World) -> None:
    await pool.execute("delete from verifier.changes")
    await world.open(a_new_request_id())
    world.pass_time(2 * world.limits.changes_for)
    kept = RequestId(a_new_request_id())
    await world.open(kept)
    await world.keeper.run_once()
    rows = await pool.fetch("select request_ids from verifier.changes")
    assert [str(one) for row in rows for one in row["request_ids"]] == [kept]


async def test_a_parked_record_that_has_just_been_taken_away_is_waited_for(
    pool: asyncpg.Pool[asyncpg.Record],
) -> None:
    with pytest.raises(Unavailable):
        async with PostgresLedger(pool).transaction():
            raise asyncpg.ForeignKeyViolationError


async def test_plans_go_by_index_without_settings_in_the_address(
    pool: asyncpg.Pool[asyncpg.Record],
) -> None:
    for _ in range(2):  # the pool resets what a connection was told after it began
        for name, value in BY_INDEX.items():
            assert await pool.fetchval("select current_setting($1)", name) == value
