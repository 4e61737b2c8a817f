"""Amendments, whatever keeps the ledger: run on the fake and on PostgreSQL. One test a decided case."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from unit.verifier.behaviour import state_of
from unit.verifier.world import (
    REGISTRY,
    SYSTEMS,
    World,
    a_home_of,
    a_new_request_id,
    amending,
    amendment,
    answer,
    answers_of_all,
    batch,
    obligations,
    reasons,
)

from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_verifier.application.tally import Tally
from dsr_verifier.model import Effect
from dsr_verifier.ports import Received
from dsr_wire.codec.amendments import DueDateMoved, LeftCohort, PlanChanged
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, ObligationSettled, Stopped
from support.builders import NOW, a_cohort_id, an_id, days

D = Disposition
CRM, MAILER, BILLING = SystemId("crm"), SystemId("mailer"), SystemId("billing")
GROUP = OrganisationId("example-group")
WITHDRAWN = Stopped(Outcome.WITHDRAWN)
HOLD = HoldPlaced(an_id(501), (CRM,))
LIFTED = HoldLifted(an_id(501))
JOINED = PlanChanged(REGISTRY.digest, ((BILLING, GROUP),), ())
RETIRED = PlanChanged(REGISTRY.digest, (), (MAILER,))
SETTLED = ObligationSettled(
    system_id=CRM,
    disposition=D.ERASED,
    proposed_by="operator-a",
    approved_by="operator-b",
    reason="the machine was scrapped",
)


def effects(tally: Tally) -> list[Effect]:
    """What became of amendments, in the order of their keys."""
    return [tally.amended[key] for key in sorted(tally.amended)]


def said(request_id: RequestId, disposition: Disposition, sequence: int = 1) -> list[Received]:
    """That answer of each of the two systems, a micro-batch each."""
    return [
        batch(answer(request_id, one, disposition, sequence=sequence), by=one) for one in SYSTEMS
    ]


async def opened(world: World) -> RequestId:
    """A request that is opened, as a cohort of one."""
    request_id = a_new_request_id()
    await world.open(request_id)
    return request_id


class AmendingBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_leaving_before_closing_has_the_closure_go_by_the_new_cohort(
        self, world: World
    ) -> None:
        leaver, stays = a_new_request_id(), a_new_request_id()
        home = a_home_of(leaver)
        await world.open(leaver, stays, cohort_id=home)
        left = amendment(leaver, LeftCohort(CohortId(leaver)), cohort_id=home)
        assert effects(await world.amend(left)) == [Effect.APPLIED]
        closures = (await world.record([*answers_of_all(leaver), *answers_of_all(stays)])).closures
        assert {one.request_id: one.cohort_id for one in closures} == {leaver: leaver, stays: home}

    async def test_closing_before_leaving_has_closing_win(self, world: World) -> None:
        request_id = await opened(world)
        await world.record(answers_of_all(request_id))
        before = await state_of(world, request_id)
        tally = await world.amend(
            amendment(request_id, LeftCohort(CohortId(an_id(77)))),
            amendment(request_id, WITHDRAWN),
            amendment(request_id, RETIRED, revision=2),
        )
        assert effects(tally) == [Effect.AFTER_CLOSURE] * 3
        assert tally.closures == []
        assert await state_of(world, request_id) == before

    async def test_an_amendment_before_its_obligations_waits_and_is_applied_at_opening(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        early = await world.amend(
            amendment(request_id, DueDateMoved(NOW + days(60)), revision=3),
            amendment(request_id, DueDateMoved(NOW + days(45)), revision=2),
            amendment(request_id, WITHDRAWN, revision=2),
        )
        assert effects(early) == []
        assert early.waiting == ["due_date_moved", "due_date_moved", "stopped"]
        tally = await world.open(request_id)
        assert effects(tally) == [Effect.APPLIED] * 3
        request, _ = await state_of(world, request_id)
        assert (request.due_at, request.stopping) == (NOW + days(60), Outcome.WITHDRAWN)

    async def test_obligations_again_after_an_amendment_change_nothing(self, world: World) -> None:
        request_id = await opened(world)
        await world.amend(
            amendment(request_id, LeftCohort(CohortId(an_id(77)))), amendment(request_id, JOINED)
        )
        before = await state_of(world, request_id)
        again = await world.opener.take([obligations(request_id)])
        assert (again.opened, reasons(again)) == (0, [])
        assert await state_of(world, request_id) == before

    async def test_an_amendment_twice_changes_nothing(self, world: World) -> None:
        request_id = await opened(world)
        one = amendment(request_id, JOINED)
        await world.amend(one, one)
        before = await state_of(world, request_id)
        again = await world.amend(one, replace(one, amended_at=NOW + days(1)))
        assert (effects(again), reasons(again)) == ([], [])
        assert await state_of(world, request_id) == before

    async def test_another_content_under_one_revision_is_refused_and_the_first_stands(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.amend(amendment(request_id, WITHDRAWN))
        tally = await world.amend(amendment(request_id, Stopped(Outcome.REFUSED)))
        assert reasons(tally) == ["conflicting_amendment"]
        assert (await state_of(world, request_id))[0].stopping is Outcome.WITHDRAWN

    async def test_amendments_out_of_order_make_the_same_of_a_request(self, world: World) -> None:
        changes = [
            (1, LeftCohort(CohortId(an_id(77)))),
            (1, DueDateMoved(NOW + days(40))),
            (2, JOINED),
            (3, DueDateMoved(NOW + days(50))),
            (4, PlanChanged(REGISTRY.digest, (), (BILLING, MAILER))),
        ]
        found = set()
        for order in list(permutations(changes))[::17]:
            request_id = await opened(world)
            for revision, change in order:
                await world.amend(amendment(request_id, change, revision=revision))
            request, _ = await state_of(world, request_id)
            assert len(request.amendments) == len(changes)
            found.add(
                (request.cohort_id, request.due_at, tuple(request.systems), request.open_count)
            )
        assert found == {(CohortId(an_id(77)), NOW + days(50), (CRM,), 1)}

    async def test_an_amendment_by_another_home_cohort_is_kept_and_changes_nothing(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        tally = await world.amend(amendment(request_id, WITHDRAWN, cohort_id=a_cohort_id(1)))
        assert effects(tally) == [Effect.UNFIT]
        assert (await state_of(world, request_id))[0].stopping is None

    @pytest.mark.parametrize("ending", [Outcome.WITHDRAWN, Outcome.REFUSED, Outcome.REFERRED])
    async def test_a_stopped_request_closes_when_its_systems_have_said_how_far_they_had_come(
        self, world: World, ending: Outcome
    ) -> None:
        request_id = await opened(world)
        await world.record([batch(answer(request_id))])
        await world.amend(amendment(request_id, Stopped(ending)))
        stopped = batch(answer(request_id, MAILER, D.STOPPED), by=MAILER)
        (closure,) = (await world.record([stopped])).closures
        assert closure.outcome is ending

    async def test_a_stop_that_its_answers_overtook_closes_at_once(self, world: World) -> None:
        request_id = await opened(world)
        tally = await world.record([*said(request_id, D.RECEIVED), *said(request_id, D.STOPPED, 2)])
        assert tally.closures == []
        assert (await state_of(world, request_id))[0].open_count == 2
        (closure,) = (await world.amend(amendment(request_id, WITHDRAWN))).closures
        assert closure.outcome is Outcome.WITHDRAWN
        request, standings = await state_of(world, request_id)
        assert (request.open_count, request.closed_at) == (0, closure.closed_at)
        assert all(one.is_confirmed for one in standings.values())

    async def test_answers_and_their_stop_before_the_obligations_close_at_opening(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.record(said(request_id, D.TOO_LATE))
        await world.amend(amendment(request_id, WITHDRAWN))
        (closure,) = (await world.open(request_id)).closures
        assert closure.outcome is Outcome.WITHDRAWN

    async def test_too_late_after_an_erasure_keeps_the_erasure_as_the_evidence(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.record([batch(answer(request_id))])
        await world.amend(amendment(request_id, WITHDRAWN))
        tally = await world.record(said(request_id, D.TOO_LATE, 2))
        assert (tally.contradictions, len(tally.closures)) == (0, 1)
        _, standings = await state_of(world, request_id)
        found = {key: one.answer.disposition for key, one in standings.items() if one.answer}
        assert found == {CRM: D.ERASED, MAILER: D.TOO_LATE}

    async def test_an_answer_after_a_stopped_closure_is_judged_as_a_stopped_requests(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.amend(amendment(request_id, WITHDRAWN))
        await world.record(said(request_id, D.STOPPED))
        late = await world.record([batch(answer(request_id, sequence=2))])
        assert (late.late, late.against_closure) == (1, [])
        worse = await world.record([batch(answer(request_id, CRM, D.FAILED, sequence=3))])
        assert worse.against_closure == [(request_id, CRM)]

    async def test_an_amendment_that_was_missed_at_opening_is_applied_by_the_keeper(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        early = amendment(request_id, WITHDRAWN)
        kept = world.opener._read(amending(early)).said
        opening = world.opener._read(obligations(request_id)).said
        async with world.ledger.transaction() as transaction:
            await transaction.open([opening], world.now)
            await transaction.keep([kept], world.now)
        assert effects(await world.keeper.run_once()) == [Effect.APPLIED]
        assert (await state_of(world, request_id))[0].stopping is Outcome.WITHDRAWN

    async def test_amendments_and_obligations_in_one_micro_batch(self, world: World) -> None:
        request_id = a_new_request_id()
        records = [
            amending(amendment(request_id, WITHDRAWN)),
            obligations(request_id),
            amending(amendment(request_id, DueDateMoved(NOW + days(3)), revision=2)),
        ]
        assert effects(await world.opener.take(records)) == [Effect.APPLIED] * 2
        request, _ = await state_of(world, request_id)
        assert (request.stopping, request.due_at) == (Outcome.WITHDRAWN, NOW + days(3))
