"""Holds, and answers by two people, whatever keeps the ledger: run on the fake and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.verifier.amending import (
    CRM,
    HOLD,
    LIFTED,
    MAILER,
    SETTLED,
    effects,
    opened,
)
from unit.verifier.behaviour import state_of
from unit.verifier.world import (
    SYSTEMS,
    World,
    amendment,
    answer,
    answers_of_all,
    batch,
)

from dsr_core.closing import Closed, Obligation, Outcome, closing
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_verifier.model import Effect
from dsr_wire.codec.amendments import DueDateMoved
from support.builders import NOW, days

D = Disposition


class HoldingBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_a_settled_obligation_closes_as_the_systems_answer_would(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.record(answers_of_all(request_id)[1:])
        (closure,) = (await world.amend(amendment(request_id, SETTLED))).closures
        assert closure.outcome is Outcome.FULFILLED
        _, standings = await state_of(world, request_id)
        crm = standings[CRM].answer
        assert crm is not None
        assert crm.settled_by is not None
        assert (crm.settled_by.proposed_by, crm.reason) == ("operator-a", SETTLED.reason)
        rule = closing(2, [Obligation(one, standings[one]) for one in SYSTEMS])
        assert isinstance(rule, Closed)
        assert closure.evidence_digest == rule.evidence_digest

    async def test_two_people_settle_a_contradiction(self, world: World) -> None:
        request_id = await opened(world)
        failed = answer(request_id, CRM, D.FAILED, sequence=2)
        await world.record([batch(answer(request_id)), batch(failed)])
        await world.record(answers_of_all(request_id)[1:])
        (closure,) = (await world.amend(amendment(request_id, SETTLED))).closures
        assert closure.request_id == request_id

    async def test_what_the_system_answers_after_two_people_is_recorded_and_held_against_them(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.amend(amendment(request_id, SETTLED))
        assert (await state_of(world, request_id))[0].open_count == 1
        later = answer(request_id, CRM, D.FAILED, answered_at=NOW + days(1))
        tally = await world.record([batch(later)])
        assert (tally.recorded, tally.contradictions) == (1, 1)
        request, standings = await state_of(world, request_id)
        assert (request.open_count, standings[CRM].is_contradicted) == (2, True)

    async def test_a_real_answer_against_a_settled_closure_is_seen(self, world: World) -> None:
        request_id = await opened(world)
        await world.record(answers_of_all(request_id)[1:])
        await world.amend(amendment(request_id, SETTLED))
        later = {"answered_at": NOW + days(1)}
        tally = await world.record([batch(answer(request_id, CRM, D.FAILED, **later))])
        assert tally.against_closure == [(request_id, CRM)]
        again = await world.record([batch(answer(request_id, sequence=2, **later))])
        assert (again.late, again.against_closure) == (1, [])

    async def test_settling_with_what_ends_nothing_is_kept_and_changes_nothing(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        nothing = replace(SETTLED, disposition=D.IN_PROGRESS)
        assert effects(await world.amend(amendment(request_id, nothing))) == [Effect.UNFIT]
        assert (await state_of(world, request_id))[1] == {}

    async def test_a_hold_ends_nothing_and_an_erasure_under_it_confirms_and_is_a_breach(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.record(answers_of_all(request_id)[1:])
        tally = await world.amend(amendment(request_id, HOLD))
        assert (effects(tally), tally.closures) == ([Effect.APPLIED], [])
        record = batch(answer(request_id, answered_at=NOW + days(1)))
        tally = await world.record([record])
        (breach,) = tally.breaches
        assert (breach.request_id, breach.system_id) == (request_id, CRM)
        assert (breach.hold_id, breach.answered_at) == (HOLD.hold_id, NOW + days(1))
        assert [one.request_id for one in tally.closures] == [request_id]
        assert (await world.record([record])).breaches == []

    async def test_an_erasure_under_a_hold_is_a_breach_after_the_closing_as_well(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.amend(amendment(request_id, HOLD))
        nothing = batch(answer(request_id, CRM, D.NOT_FOUND))
        assert (await world.record([nothing, *answers_of_all(request_id)[1:]])).closures
        late = answer(request_id, sequence=2, answered_at=NOW + days(1))
        tally = await world.record([batch(late)])
        assert (tally.late, [one.sequence for one in tally.breaches]) == (1, [2])

    async def test_an_erasure_that_overtook_its_hold_is_a_breach_when_the_hold_comes(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.record([batch(answer(request_id, answered_at=NOW + days(1)))])
        (breach,) = (await world.amend(amendment(request_id, HOLD))).breaches
        assert breach.system_id == CRM
        again = await world.amend(amendment(request_id, DueDateMoved(NOW + days(60)), revision=2))
        assert again.breaches == []

    @pytest.mark.parametrize(
        ("system_id", "days_after", "disposition"),
        [(CRM, -1, D.ERASED), (CRM, 3, D.ERASED), (MAILER, 1, D.ERASED), (CRM, 1, D.NOT_FOUND)],
        ids=["before the hold", "after the lifting", "another system", "nothing erased"],
    )
    async def test_only_an_erasure_in_a_held_system_while_it_is_held_is_a_breach(
        self, world: World, system_id: SystemId, days_after: int, disposition: Disposition
    ) -> None:
        request_id = await opened(world)
        lifted = amendment(request_id, LIFTED, revision=2, effective_at=NOW + days(2))
        await world.amend(amendment(request_id, HOLD), lifted)
        at = NOW + days(days_after)
        one = answer(request_id, system_id, disposition, answered_at=at)
        tally = await world.record([batch(one, by=system_id)])
        assert (tally.recorded, tally.breaches) == (1, [])
