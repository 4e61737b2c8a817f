"""Statements of closures, from the real ledger."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import asyncpg
from unit.verifier.world import (
    SYSTEMS,
    World,
    a_home_of,
    a_new_request_id,
    amending,
    amendment,
    answer,
    answers_of_all,
    batch,
)

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.plan import Scope
from dsr_core.rights import Disposition
from dsr_verifier.adapters.certifying import statements
from dsr_verifier.ports import Received
from dsr_wire.certificate.asked import Asked
from dsr_wire.certificate.statement import Statement
from dsr_wire.codec.amendments import DueDateMoved, LeftCohort
from dsr_wire.codec.decisions import ObligationSettled, Stopped
from dsr_wire.merkle import leaf_hash
from support.builders import NOW, days

D = Disposition


async def stated(
    pool: asyncpg.Pool[asyncpg.Record], *request_ids: RequestId
) -> dict[RequestId, Statement]:
    async with pool.acquire() as connection:
        found = await statements(connection, request_ids)
    return {key: Statement.from_canonical(one) for key, one in found.items()}


def hash_in(record: Received) -> bytes:
    message = acknowledgements_pb2.SignedAcknowledgements.FromString(record.value or b"")
    return leaf_hash(message.acknowledgements[0])


async def closed_by(world: World, *records: Received) -> RequestId:
    tally = await world.one_by_one(records)
    (closure,) = tally.closures
    return closure.request_id


async def test_a_statement_binds_every_answer_that_the_closing_rule_was_given(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id, rules_digest="5f" * 32)
    tried = batch(answer(request_id, disposition=D.FAILED, sequence=1))
    erased = batch(answer(request_id, sequence=2))
    kept = batch(answer(request_id, "mailer", D.EXEMPT), by="mailer")
    await closed_by(world, tried, erased, kept)
    one = (await stated(pool, request_id))[request_id]
    (closure,) = await pool.fetch(
        "select * from verifier.closures where request_id = $1", request_id
    )
    assert one.outcome is Outcome.PARTLY_FULFILLED
    assert (one.expected, one.evidence_digest) == (2, closure["evidence_digest"])
    assert one.closed_at == closure["closed_at"]
    assert (one.home_cohort_id, one.cohort_id) == (request_id, request_id)
    assert (one.rules_digest, one.stopping) == ("5f" * 32, None)
    assert (one.opened, one.amendments) == (None, ())
    assert one.asked == Asked(
        received_at=NOW,
        registry_digest=one.registry_digest,
        scope=Scope(categories=("user.contact",)),
    )
    assert [each.system_id for each in one.obligations] == list(SYSTEMS)
    assert [[given.leaf_hash for given in each.answers] for each in one.obligations] == [
        [hash_in(tried), hash_in(erased)],
        [hash_in(kept)],
    ]


async def test_a_statement_is_the_same_whatever_comes_after_the_closing(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record(answers_of_all(request_id))
    before = (await stated(pool, request_id))[request_id]
    # The clock of whoever records the late answer stands before the closing: what counts is the order.
    world.pass_time(timedelta(minutes=-5))
    late = [
        batch(answer(request_id, disposition=D.FAILED, sequence=9)),
        batch(answer(request_id, sequence=10)),
    ]
    assert (await world.one_by_one(late)).repeated == 0
    await world.amend(amendment(request_id, DueDateMoved(NOW + days(90))))
    assert (await stated(pool, request_id))[request_id] == before


async def test_a_statement_names_what_people_decided(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_id = a_new_request_id()
    home = a_home_of(request_id)
    await world.open(request_id, cohort_id=home)
    decided = [
        amendment(request_id, LeftCohort(CohortId(request_id)), cohort_id=home, revision=2),
        amendment(request_id, DueDateMoved(NOW + days(60)), cohort_id=home, revision=2),
        amendment(request_id, Stopped(Outcome.WITHDRAWN), cohort_id=home, revision=3),
        amendment(
            request_id,
            ObligationSettled(
                system_id=SystemId("crm"),
                disposition=D.ERASED,
                proposed_by="operator-a",
                approved_by="operator-b",
                reason="the machine was scrapped",
            ),
            cohort_id=home,
            revision=4,
        ),
    ]
    records = [amending(one) for one in decided]
    await world.opener.take(records[::-1])
    stopped = batch(answer(request_id, "mailer", D.STOPPED), by="mailer")
    await closed_by(world, stopped)
    one = (await stated(pool, request_id))[request_id]
    assert (one.home_cohort_id, one.cohort_id) == (home, request_id)
    assert (one.outcome, one.stopping) == (Outcome.WITHDRAWN, Outcome.WITHDRAWN)
    assert one.due_at == NOW + days(60)
    assert one.opened is not None
    assert list(one.opened) == list(SYSTEMS)
    assert one.amendments == tuple(
        hashlib.sha256(record.value or b"").digest() for record in records
    )
    assert [len(each.answers) for each in one.obligations] == [0, 1]


async def test_a_statement_of_a_request_from_before_does_not_say_what_was_asked(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id, received_at=None, scope=Scope())
    await world.record(answers_of_all(request_id))
    one = (await stated(pool, request_id))[request_id]
    assert (one.asked, one.value()["v"]) == (None, 1)


async def test_statements_of_many_closures_and_none_of_what_is_open(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    closed = [a_new_request_id() for _ in range(20)]
    still_open = a_new_request_id()
    await world.open(*closed, still_open, cohort_id=CohortId(closed[0]))
    records = [batch(*(answer(one, system) for one in closed), by=system) for system in SYSTEMS]
    assert len((await world.record(records)).closures) == 20
    found = await stated(pool, *closed, still_open, a_new_request_id())
    assert found.keys() == set(closed)
    assert len({one.digest for one in found.values()}) == 20
    assert all(one.rules_digest is None for one in found.values())
