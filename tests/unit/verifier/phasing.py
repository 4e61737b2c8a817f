"""Phases of a cohort, whatever keeps the ledger: run on the fake and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from unit.verifier.amending import BILLING, CRM, JOINED, MAILER, SETTLED, WITHDRAWN
from unit.verifier.succession import AFTER, TO_BILLING
from unit.verifier.world import (
    World,
    a_home_of,
    a_new_request_id,
    a_record,
    amendment,
    answer,
    batch,
    obligations,
    reasons,
)

from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.phases import COHORT_PHASES_LIMIT
from dsr_core.rights import Disposition, Right
from dsr_verifier.application.tally import Tally
from dsr_verifier.ports import Received
from dsr_wire.codec.amendments import LeftCohort
from dsr_wire.codec.obligations import ToldPhase, phase_told_to_wire
from dsr_wire.topics import OBLIGATIONS
from support.builders import NOW, days

D = Disposition
CRM_THEN_MAILER = {MAILER: 1}
THREE = (
    (BILLING, OrganisationId("example-group")),
    (CRM, OrganisationId("example-group")),
    (MAILER, OrganisationId("example-mail")),
)
ALL_THREE = {CRM: 1, MAILER: 2}


def confirmed(tally: Tally) -> list[tuple[CohortId, int]]:
    return [(one.cohort_id, one.phase) for one in tally.phases]


def from_system(
    system_id: SystemId, *request_ids: RequestId, disposition: D = D.ERASED
) -> Received:
    return batch(*(answer(one, system_id, disposition) for one in request_ids), by=system_id)


def told(cohort_id: CohortId, phase: int, *, is_due: bool = False, at: int = 0) -> Received:
    said = ToldPhase(cohort_id=cohort_id, phase=phase, told_at=NOW + days(at), is_due=is_due)
    return a_record(OBLIGATIONS.name, phase_told_to_wire(said), cohort_id)


async def a_cohort(world: World, members: int = 2) -> tuple[CohortId, Sequence[RequestId]]:
    """A cohort in which `crm` is asked before `mailer`."""
    ids = [a_new_request_id() for _ in range(members)]
    home = a_home_of(ids[0])
    await world.open(*ids, cohort_id=home, phases=CRM_THEN_MAILER)
    return home, ids


def handed_over(request_id: RequestId) -> list[Received]:
    """What every system answers to a request for access."""
    return [
        batch(answer(request_id, one, D.DELIVERED, right=Right.ACCESS), by=one)
        for one in (CRM, MAILER)
    ]


ALL_LATER = {CRM: 1, MAILER: 1}
"""Nobody is asked in the first phase, which waits for what is handed over."""


class PhasingBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_the_last_member_s_confirmation_is_one_fact_for_the_cohort(
        self, world: World
    ) -> None:
        home, (first, second) = await a_cohort(world)
        assert confirmed(await world.record([from_system(CRM, first)])) == []
        last = from_system(CRM, second)
        assert confirmed(await world.record([last])) == [(home, 0)]
        assert confirmed(await world.record([last])) == []

    async def test_what_does_not_confirm_and_the_last_phase_are_no_fact(self, world: World) -> None:
        _, ids = await a_cohort(world)
        coming = from_system(CRM, *ids, disposition=D.IN_PROGRESS)
        unknown = from_system(MAILER, ids[0])
        assert confirmed(await world.record([coming, unknown])) == []

    async def test_who_is_asked_at_once_has_no_phases(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        assert confirmed(await world.record([from_system(CRM, request_id)])) == []

    async def test_several_phases_are_confirmed_at_once_where_answers_came_early(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id, systems=THREE, phases=ALL_THREE)
        assert confirmed(await world.record([from_system(CRM, request_id)])) == []
        tally = await world.record([from_system(BILLING, request_id)])
        assert confirmed(tally) == [(request_id, 0), (request_id, 1)]

    async def test_answers_that_came_before_their_obligations_count(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.record([from_system(CRM, request_id)])
        assert confirmed(await world.open(request_id, phases=CRM_THEN_MAILER)) == [(request_id, 0)]

    async def test_a_closed_member_holds_up_nobody(self, world: World) -> None:
        home, (first, second) = await a_cohort(world)
        await world.record([from_system(CRM, first), from_system(MAILER, first)])
        assert confirmed(await world.record([from_system(CRM, second)])) == [(home, 0)]

    async def test_who_leaves_holds_up_the_others_no_more_and_goes_on_by_itself(
        self, world: World
    ) -> None:
        home, (leaver, stays) = await a_cohort(world)
        await world.record([from_system(CRM, stays)])
        left = amendment(leaver, LeftCohort(CohortId(leaver)), cohort_id=home)
        assert confirmed(await world.amend(left)) == [(home, 0)]
        assert confirmed(await world.record([from_system(CRM, leaver)])) == [(leaver, 0)]

    async def test_who_leaves_after_a_phase_is_not_told_of_it_again(self, world: World) -> None:
        home, ids = await a_cohort(world)
        await world.record([from_system(CRM, *ids)])
        left = amendment(ids[0], LeftCohort(CohortId(ids[0])), cohort_id=home)
        assert confirmed(await world.amend(left)) == []

    async def test_what_two_people_answer_confirms_a_phase(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id, phases=CRM_THEN_MAILER)
        assert confirmed(await world.amend(amendment(request_id, SETTLED))) == [(request_id, 0)]

    async def test_a_successor_is_waited_for_in_the_phase_of_the_retired_system(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id, phases=CRM_THEN_MAILER)
        await world.amend(amendment(request_id, TO_BILLING))
        late = batch(answer(request_id, BILLING, answered_at=AFTER), by=BILLING)
        assert confirmed(await world.record([from_system(CRM, request_id)])) == []
        assert confirmed(await world.record([late])) == [(request_id, 0)]

    async def test_nobody_waits_for_who_joined_later(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id, phases=CRM_THEN_MAILER)
        await world.amend(amendment(request_id, JOINED))
        assert confirmed(await world.record([from_system(CRM, request_id)])) == [(request_id, 0)]

    async def test_a_stopped_request_is_confirmed_by_what_ends_it(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id, phases=CRM_THEN_MAILER)
        await world.amend(amendment(request_id, WITHDRAWN))
        stopped = from_system(CRM, request_id, disposition=D.STOPPED)
        assert confirmed(await world.record([stopped])) == [(request_id, 0)]

    async def test_obligations_twice_change_nothing(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id, phases=CRM_THEN_MAILER)
        again = obligations(request_id, phases=CRM_THEN_MAILER)
        assert reasons(await world.opener.take([again])) == []

    async def test_that_a_phase_is_told_changes_nothing_that_is_owed(self, world: World) -> None:
        request_id = a_new_request_id()
        home = CohortId(request_id)
        early = await world.opener.take([told(home, 1, is_due=True), told(home, 1, at=1)])
        assert reasons(early) == []
        await world.open(request_id, phases=CRM_THEN_MAILER)
        assert confirmed(await world.record([from_system(CRM, request_id)])) == [(home, 0)]

    async def test_a_phase_that_cannot_be_is_refused(self, world: World) -> None:
        request_id = a_new_request_id()
        tally = await world.opener.take(
            [
                told(CohortId(request_id), 0),
                obligations(request_id, phases={MAILER: COHORT_PHASES_LIMIT}),
            ]
        )
        assert reasons(tally) == ["invalid_field", "invalid_field"]

    async def test_erasing_waits_until_everything_is_handed_over(self, world: World) -> None:
        access, request_id = a_new_request_id(), a_new_request_id()
        await world.open(access, right=Right.ACCESS)
        assert confirmed(await world.open(request_id, phases=ALL_LATER, after=(access,))) == []
        first, last = handed_over(access)
        assert confirmed(await world.record([first])) == []
        assert confirmed(await world.record([last])) == [(request_id, 0)]
        assert confirmed(await world.record([last])) == []

    async def test_what_was_handed_over_before_is_not_waited_for(self, world: World) -> None:
        access, request_id = a_new_request_id(), a_new_request_id()
        await world.open(access, right=Right.ACCESS)
        await world.record(handed_over(access))
        opening = obligations(request_id, phases=ALL_LATER, after=(access,))
        assert confirmed(await world.opener.take([opening])) == [(request_id, 0)]
        assert confirmed(await world.opener.take([opening])) == []

    async def test_what_is_opened_later_is_waited_for(self, world: World) -> None:
        access, request_id = a_new_request_id(), a_new_request_id()
        assert confirmed(await world.open(request_id, phases=ALL_LATER, after=(access,))) == []
        await world.open(access, right=Right.ACCESS)
        assert confirmed(await world.record(handed_over(access))) == [(request_id, 0)]

    async def test_all_of_several_are_waited_for_and_what_is_withdrawn_no_more(
        self, world: World
    ) -> None:
        access, other, request_id = (a_new_request_id() for _ in range(3))
        await world.open(access, right=Right.ACCESS)
        await world.open(other, right=Right.ACCESS)
        await world.open(request_id, phases=ALL_LATER, after=(access, other))
        assert confirmed(await world.record(handed_over(access))) == []
        await world.amend(amendment(other, WITHDRAWN))
        stopped = [
            batch(answer(other, one, D.STOPPED, right=Right.ACCESS), by=one)
            for one in (CRM, MAILER)
        ]
        assert confirmed(await world.record(stopped)) == [(request_id, 0)]

    async def test_who_leaves_its_cohort_goes_on_waiting(self, world: World) -> None:
        access, request_id = a_new_request_id(), a_new_request_id()
        home = a_home_of(request_id)
        await world.open(access, right=Right.ACCESS)
        await world.open(request_id, cohort_id=home, phases=ALL_LATER, after=(access,))
        left = amendment(request_id, LeftCohort(CohortId(request_id)), cohort_id=home)
        assert confirmed(await world.amend(left)) == []
        assert confirmed(await world.record(handed_over(access))) == [(request_id, 0)]
