"""Changes of plan, whatever keeps the ledger: run on the fake and on PostgreSQL."""

from __future__ import annotations

from unit.verifier.amending import (
    BILLING,
    GROUP,
    JOINED,
    MAILER,
    RETIRED,
    WITHDRAWN,
    effects,
    opened,
)
from unit.verifier.behaviour import state_of
from unit.verifier.world import (
    REGISTRY,
    SYSTEMS,
    World,
    amendment,
    answer,
    answers_of_all,
    batch,
    keys_of,
    reasons,
)

from dsr_core.closing import Outcome
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_verifier.model import Effect
from dsr_wire.codec.amendments import PlanChanged
from support.builders import a_registry, a_system, days

D = Disposition


class ReplanningBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_a_system_that_joins_is_owed_for_as_well(self, world: World) -> None:
        request_id = await opened(world)
        await world.record([batch(answer(request_id))])
        await world.amend(amendment(request_id, JOINED))
        request, _ = await state_of(world, request_id)
        assert (request.expected, request.open_count) == (3, 2)
        assert not (await world.record(answers_of_all(request_id)[1:])).closures
        billing = batch(answer(request_id, BILLING), by=BILLING)
        (closure,) = (await world.record([billing])).closures
        assert closure.obligations == 3

    async def test_a_system_that_retires_is_owed_no_more_and_what_it_answers_is_recorded(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.amend(amendment(request_id, RETIRED))
        assert (await state_of(world, request_id))[0].open_count == 1
        tally = await world.record(answers_of_all(request_id)[1:])
        assert (tally.recorded, tally.refusals, tally.closures) == (1, [], [])
        (closure,) = (await world.record(answers_of_all(request_id)[:1])).closures
        assert closure.obligations == 1

    async def test_what_a_retired_system_answers_late_contradicts_no_closure(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        await world.amend(amendment(request_id, RETIRED))
        await world.record(answers_of_all(request_id)[:1])
        failed = batch(answer(request_id, MAILER, D.FAILED), by=MAILER)
        tally = await world.record([failed])
        assert (tally.late, tally.against_closure) == (1, [])

    async def test_a_plan_that_leaves_nothing_open_closes(self, world: World) -> None:
        request_id = await opened(world)
        await world.record([batch(answer(request_id))])
        (closure,) = (await world.amend(amendment(request_id, RETIRED))).closures
        assert (closure.outcome, closure.obligations) == (Outcome.FULFILLED, 1)

    async def test_a_plan_of_nobody_is_kept_and_changes_nothing(self, world: World) -> None:
        request_id = await opened(world)
        nobody = PlanChanged(REGISTRY.digest, (), SYSTEMS)
        tally = await world.amend(amendment(request_id, nobody))
        assert (effects(tally), tally.closures) == ([Effect.UNFIT], [])
        assert (await state_of(world, request_id))[0].expected == 2

    async def test_a_plan_waits_for_its_registry_version_and_holds_up_no_one(
        self, world: World
    ) -> None:
        request_id, other = await opened(world), await opened(world)
        later = a_registry(*REGISTRY.systems, a_system("archive"))
        plan = PlanChanged(later.digest, ((SystemId("archive"), GROUP),), ())
        world.registry.waits.clear()
        tally = await world.amend(amendment(request_id, plan), amendment(other, WITHDRAWN))
        assert (effects(tally), reasons(tally)) == ([Effect.APPLIED], ["unknown_registry_digest"])
        assert len(world.registry.waits) == 1
        world.registry.registries[later.digest] = later
        await world.amend(amendment(request_id, plan))
        request, _ = await state_of(world, request_id)
        assert (request.registry_digest, request.expected) == (later.digest, 3)

    async def test_a_plan_with_a_system_outside_its_registry_version_is_refused(
        self, world: World
    ) -> None:
        plan = PlanChanged(REGISTRY.digest, ((SystemId("unheard-of"), GROUP),), ())
        tally = await world.amend(amendment(await opened(world), plan))
        assert reasons(tally) == ["not_in_registry"]

    async def test_an_answer_by_a_system_that_joins_waits_for_the_plan(self, world: World) -> None:
        request_id = await opened(world)
        archive = a_system("archive")
        later = a_registry(*REGISTRY.systems, archive)
        world.registry.registries[later.digest] = later
        world.registry.public["archive"] = keys_of("archive").public
        early = batch(answer(request_id, archive.id), by=archive.id)
        tally = await world.record([early, *answers_of_all(request_id)[:1]])
        assert (tally.parked, tally.recorded, reasons(tally)) == (1, 1, [])
        assert (await world.keeper.run_once()).buried == []
        plan = PlanChanged(later.digest, ((archive.id, GROUP),), (MAILER,))
        joined = await world.amend(amendment(request_id, plan))
        assert joined.recorded == 1
        assert [one.obligations for one in joined.closures] == [2]

    async def test_an_answer_by_a_system_that_does_not_join_in_time_is_a_dead_letter(
        self, world: World
    ) -> None:
        request_id = await opened(world)
        later = a_registry(*REGISTRY.systems, a_system("archive"))
        world.registry.registries[later.digest] = later
        world.registry.public["archive"] = keys_of("archive").public
        await world.record([batch(answer(request_id, "archive"), by="archive")])
        world.pass_time(world.limits.parked_for + days(1))
        assert reasons(await world.keeper.run_once()) == ["unknown_request"]
