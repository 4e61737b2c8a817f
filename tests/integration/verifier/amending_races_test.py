"""Amendments and what races with them, on PostgreSQL: two workers at the same moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable

import asyncpg
from integration.verifier.meeting import Meeting
from unit.verifier.amending import CRM, GROUP, HOLD, MAILER, RETIRED, WITHDRAWN, effects, said
from unit.verifier.behaviour import state_of
from unit.verifier.world import (
    REGISTRY,
    SYSTEMS,
    World,
    a_new_request_id,
    a_registry_view,
    amendment,
    answer,
    answers_of_all,
    batch,
    keys_of,
    obligations,
)

from dsr_core.closing import Outcome
from dsr_core.ids import RequestId
from dsr_core.rights import Disposition
from dsr_verifier.application.tally import Tally
from dsr_verifier.model import Effect
from dsr_verifier.ports import Ledger
from dsr_wire.codec.amendments import PlanChanged
from dsr_wire.codec.closures import Closure
from support.builders import NOW, a_registry, a_system, days

ARCHIVE = a_system("archive")
LATER = a_registry(*REGISTRY.systems, ARCHIVE)
JOINED = PlanChanged(LATER.digest, ((ARCHIVE.id, GROUP),), ())


def a_worker(ledger: Ledger) -> World:
    """A worker that knows both versions of the registry."""
    view = a_registry_view()
    view.registries[LATER.digest] = LATER
    view.public[ARCHIVE.id] = keys_of(ARCHIVE.id).public
    return World(ledger, view)


def two_workers(pool: asyncpg.Pool[asyncpg.Record]) -> tuple[World, World]:
    """Two workers whose first transactions begin together."""
    meeting = Meeting(pool, 2)
    return a_worker(meeting), a_worker(meeting)


async def both(*steps: Awaitable[Tally]) -> list[Closure]:
    """The closures that steps at the same moment bring about."""
    return [one for tally in await asyncio.gather(*steps) for one in tally.closures]


async def test_a_stop_and_its_last_answer_at_the_same_moment_close_once_as_stopped(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(20):
        request_id = a_new_request_id()
        await world.open(request_id)
        first, last = said(request_id, Disposition.STOPPED)
        await world.record([first])
        one, other = two_workers(pool)
        closures = await both(one.amend(amendment(request_id, WITHDRAWN)), other.record([last]))
        assert [each.outcome for each in closures] == [Outcome.WITHDRAWN]
        request, _ = await state_of(world, request_id)
        assert (request.open_count, request.closed_at is None) == (0, False)


async def test_a_system_retires_while_the_last_other_answers_and_it_closes_once(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(20):
        request_id = a_new_request_id()
        await world.open(request_id)
        one, other = two_workers(pool)
        closures = await both(
            one.amend(amendment(request_id, RETIRED)),
            other.record([batch(answer(request_id))]),
        )
        assert [each.obligations for each in closures] == [1]


async def test_a_system_joins_while_the_others_answer_and_either_comes_first(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(20):
        request_id = a_new_request_id()
        await world.open(request_id)
        one, other = two_workers(pool)
        amended, recorded = await asyncio.gather(
            one.amend(amendment(request_id, JOINED)), other.record(answers_of_all(request_id))
        )
        if effects(amended) == [Effect.AFTER_CLOSURE]:
            assert [each.obligations for each in recorded.closures] == [2]
            continue
        assert (effects(amended), recorded.closures) == ([Effect.APPLIED], [])
        last = await one.record([batch(answer(request_id, ARCHIVE.id), by=ARCHIVE.id)])
        assert [each.obligations for each in last.closures] == [3]


async def test_a_system_that_joins_answers_while_the_plan_changes_and_its_answer_counts(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(20):
        request_id = a_new_request_id()
        await world.open(request_id)
        await world.record([batch(answer(request_id))])
        one, other = two_workers(pool)
        early = batch(answer(request_id, ARCHIVE.id), by=ARCHIVE.id)
        tallies = await asyncio.gather(
            one.amend(amendment(request_id, JOINED)), other.record([early])
        )
        assert sum(each.recorded for each in tallies) == 1
        assert [refusal for each in tallies for refusal in each.refusals] == []
        request, standings = await state_of(world, request_id)
        assert (request.open_count, set(standings)) == (1, {CRM, ARCHIVE.id})
        assert await world.ledger.parked_count() == 0
        last = batch(answer(request_id, MAILER), by=MAILER)
        assert len((await one.record([last])).closures) == 1


async def test_a_hold_and_the_erasure_under_it_at_the_same_moment_are_one_breach(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(20):
        request_id = a_new_request_id()
        await world.open(request_id)
        one, other = two_workers(pool)
        erased = batch(answer(request_id, answered_at=NOW + days(1)))
        tallies = await asyncio.gather(
            one.amend(amendment(request_id, HOLD)), other.record([erased])
        )
        assert [breach.system_id for each in tallies for breach in each.breaches] == [CRM]


async def test_an_amendment_at_two_workers_at_the_same_moment_is_applied_once(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(10):
        request_id = a_new_request_id()
        await world.open(request_id)
        await world.record(said(request_id, Disposition.STOPPED))
        one, other = two_workers(pool)
        stop = amendment(request_id, WITHDRAWN)
        tallies = await asyncio.gather(one.amend(stop), other.amend(stop))
        assert [effect for each in tallies for effect in effects(each)] == [Effect.APPLIED]
        assert sum(len(each.closures) for each in tallies) == 1


async def test_an_amendment_and_its_obligations_at_the_same_moment_meet(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    for _ in range(20):
        request_id = a_new_request_id()
        one, other = two_workers(pool)
        await asyncio.gather(
            one.opener.take([obligations(request_id)]),
            other.amend(amendment(request_id, WITHDRAWN)),
        )
        await world.keeper.run_once()
        request, _ = await state_of(world, request_id)
        assert request.stopping is Outcome.WITHDRAWN


async def test_workers_with_the_same_amendments_in_other_orders_do_not_deadlock(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    opened = [a_new_request_id() for _ in range(40)]
    unknown = [a_new_request_id() for _ in range(20)]
    await world.open(*opened)
    await world.record(
        [batch(*(answer(one, by, Disposition.STOPPED) for one in opened), by=by) for by in SYSTEMS]
    )
    shuffled = random.Random(11)

    async def take(worker: World) -> Tally:
        mixed: list[RequestId] = shuffled.sample([*opened, *unknown], 60)
        home = opened[0]
        return await worker.amend(
            *(amendment(one, WITHDRAWN, cohort_id=home if one in opened else one) for one in mixed)
        )

    closed = await both(*(take(worker) for worker in two_workers(pool)))
    assert {one.request_id for one in closed} == set(opened)
    assert len(closed) == len(opened)
