"""Retired systems that others answer for, whatever keeps the ledger: run on the fake and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from unit.verifier.amending import BILLING, CRM, GROUP, MAILER, SETTLED, WITHDRAWN, effects, opened
from unit.verifier.behaviour import state_of
from unit.verifier.world import (
    REGISTRY,
    World,
    a_new_request_id,
    amending,
    amendment,
    answer,
    batch,
    obligations,
    reasons,
)

from dsr_core.closing import Outcome
from dsr_core.ids import OrganisationId, RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_verifier.model import Effect
from dsr_verifier.ports import Received
from dsr_wire.codec.amendments import PlanChanged, Succession
from dsr_wire.codec.decisions import HoldPlaced
from support.builders import NOW, an_id, days

D = Disposition
MAIL = OrganisationId("example-mail")
SWITCH = NOW + days(2)
AFTER = SWITCH + days(1)


def succeeded(retired: SystemId, by: SystemId, owner: OrganisationId = GROUP) -> PlanChanged:
    """A change of plan by which one system answers for another."""
    return PlanChanged(REGISTRY.digest, (), (), (Succession(retired, by, owner, SWITCH),))


TO_BILLING = succeeded(CRM, BILLING)
TO_MAILER = succeeded(CRM, MAILER, MAIL)


def by(
    request_id: RequestId, system: SystemId, disposition: D = D.ERASED, **more: object
) -> Received:
    """One answer, signed by its system."""
    return batch(answer(request_id, system, disposition, **more), by=system)


class SuccessionBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_the_successor_owes_what_the_retired_system_did_and_its_answer_confirms(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.record([by(request_id, MAILER)])
        await world.amend(amendment(request_id, TO_BILLING))
        request, _ = await state_of(world, request_id)
        assert (list(request.systems), request.open_count) == ([BILLING, MAILER], 1)
        [closure] = (await world.record([by(request_id, BILLING, answered_at=AFTER)])).closures
        assert (closure.outcome, closure.obligations) == (Outcome.FULFILLED, 2)

    async def test_what_the_retired_system_answers_is_recorded_and_ends_nothing(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.record([by(request_id, CRM), by(request_id, MAILER, D.IN_PROGRESS)])
        await world.amend(amendment(request_id, TO_BILLING))
        assert (await state_of(world, request_id))[0].open_count == 2
        late = await world.record([by(request_id, CRM, D.FAILED, sequence=2, answered_at=AFTER)])
        assert (late.recorded, late.refusals, late.closures) == (1, [], [])
        await world.record([by(request_id, MAILER, sequence=2)])
        [closure] = (await world.record([by(request_id, BILLING, answered_at=AFTER)])).closures
        assert closure.obligations == 2
        after = await world.record([by(request_id, CRM, sequence=3, answered_at=AFTER)])
        assert (after.late, after.against_closure) == (1, [])

    async def test_what_a_successor_answered_before_it_took_over_does_not_count(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.record([by(request_id, MAILER, D.NOT_FOUND)])
        await world.amend(amendment(request_id, TO_MAILER))
        request, standings = await state_of(world, request_id)
        assert (list(request.systems), request.open_count) == ([MAILER], 1)
        assert not standings[MAILER].is_confirmed
        again = by(request_id, MAILER, D.NOT_FOUND)
        assert not (await world.record([again])).closures
        later = by(request_id, MAILER, D.ERASED, sequence=2, answered_at=AFTER)
        [closure] = (await world.record([later])).closures
        assert closure.obligations == 1

    async def test_what_a_successor_cannot_do_contradicts_nothing_that_it_had_done_before(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.record([by(request_id, MAILER)])
        await world.amend(amendment(request_id, TO_MAILER))
        failed = by(request_id, MAILER, D.FAILED, sequence=2, answered_at=AFTER)
        tally = await world.record([failed])
        assert (tally.contradictions, tally.closures) == (0, [])
        done = by(request_id, MAILER, sequence=3, answered_at=AFTER)
        assert len((await world.record([done])).closures) == 1

    @pytest.mark.parametrize("order", list(permutations(range(4))))
    async def test_in_whatever_order_it_becomes_known_it_closes_once_and_alike(
        self, world: World, order: tuple[int, ...]
    ) -> None:
        request_id = a_new_request_id()
        steps = [
            world.opener.take([obligations(request_id)]),
            world.opener.take([amending(amendment(request_id, TO_MAILER))]),
            world.recorder.take([by(request_id, MAILER), by(request_id, CRM)]),
            world.recorder.take([by(request_id, MAILER, sequence=2, answered_at=AFTER)]),
        ]
        closures = [one for place in order for one in (await steps[place]).closures]
        assert len(closures) == 1
        request, standings = await state_of(world, request_id)
        closed_before = order.index(1) > max(order.index(0), order.index(2))
        assert list(request.systems) == ([CRM, MAILER] if closed_before else [MAILER])
        assert standings[MAILER].is_confirmed

    async def test_a_successor_is_retired_in_turn(self, world: World) -> None:
        request_id = await opened(world)
        await world.record([by(request_id, MAILER)])
        await world.amend(amendment(request_id, TO_BILLING))
        both = PlanChanged(
            REGISTRY.digest,
            (),
            (),
            tuple(Succession(one, MAILER, MAIL, AFTER) for one in (BILLING, CRM)),
        )
        await world.amend(amendment(request_id, both, revision=2))
        request, _ = await state_of(world, request_id)
        assert (list(request.systems), request.open_count) == ([MAILER], 1)
        assert [one.retired for one in request.owing.before(MAILER)] == [CRM, BILLING]
        late = await world.record([by(request_id, BILLING, answered_at=AFTER)])
        assert (late.recorded, late.closures) == (1, [])
        done = by(request_id, MAILER, sequence=2, answered_at=AFTER)
        assert len((await world.record([done])).closures) == 1

    async def test_who_was_never_asked_is_succeeded_by_nobody(self, world: World) -> None:
        request_id = await opened(world)
        tally = await world.amend(amendment(request_id, succeeded(SystemId("unasked"), BILLING)))
        assert effects(tally) == [Effect.APPLIED]
        assert list((await state_of(world, request_id))[0].systems) == [CRM, MAILER]

    async def test_a_successor_outside_the_registry_version_is_refused(self, world: World) -> None:
        request_id = await opened(world)
        tally = await world.amend(amendment(request_id, succeeded(CRM, SystemId("unheard-of"))))
        assert reasons(tally) == ["not_in_registry"]

    async def test_two_people_answer_for_the_successor_as_for_any_system(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.amend(amendment(request_id, TO_MAILER))
        for_retired = amendment(request_id, SETTLED, revision=2, effective_at=AFTER)
        assert not (await world.amend(for_retired)).closures
        stale = by(request_id, MAILER)
        assert not (await world.record([stale])).closures
        by_two = replace(SETTLED, system_id=MAILER)
        settled = amendment(request_id, by_two, revision=3, effective_at=AFTER)
        assert len((await world.amend(settled)).closures) == 1

    async def test_a_successor_can_be_stopped(self, world: World) -> None:
        request_id = await opened(world)
        await world.amend(amendment(request_id, TO_MAILER))
        await world.amend(amendment(request_id, WITHDRAWN, revision=2))
        stopped = by(request_id, MAILER, D.STOPPED, answered_at=AFTER)
        [closure] = (await world.record([stopped])).closures
        assert closure.outcome is Outcome.WITHDRAWN

    async def test_a_hold_on_the_retired_system_goes_on_in_its_successor(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        hold = HoldPlaced(an_id(501), (CRM,))
        await world.amend(amendment(request_id, hold))
        before = await world.record([by(request_id, MAILER, answered_at=NOW + days(1))])
        assert before.breaches == []
        await world.amend(amendment(request_id, TO_MAILER, revision=2))
        erased = by(request_id, MAILER, sequence=2, answered_at=AFTER)
        [breach] = (await world.record([erased])).breaches
        assert (breach.system_id, breach.answered_at) == (MAILER, AFTER)
