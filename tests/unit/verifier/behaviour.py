"""What the ledger does, whatever keeps it: run on the fake and on PostgreSQL."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from unit.verifier.world import (
    SYSTEMS,
    World,
    a_new_request_id,
    a_record,
    answer,
    answers_of_all,
    batch,
    keys_of,
    obligations,
    reasons,
)

from dsr_contracts.v1 import acknowledgements_pb2, common_pb2
from dsr_core.acknowledgements import Standing
from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.rights import Disposition, Right
from dsr_verifier.application.limits import Limits
from dsr_verifier.ports import LedgerRequest
from dsr_wire import merkle
from dsr_wire.keys import SystemKeyPair
from dsr_wire.signing import sign, signed_bytes
from dsr_wire.topics import ACKNOWLEDGEMENTS
from support.builders import a_cohort_id, an_exemption, an_id


async def state_of(
    world: World, request_id: RequestId
) -> tuple[LedgerRequest, dict[SystemId, Standing]]:
    """What the ledger holds of a request."""
    async with world.ledger.transaction() as transaction:
        requests = await transaction.lock([request_id])
        standings = await transaction.standings_of([request_id])
    return requests[request_id], standings[request_id]


class LedgerBehaviour:
    """Subclasses give the fixture `world`."""

    async def test_the_last_confirmation_closes(self, world: World) -> None:
        request_id = a_new_request_id()
        assert (await world.open(request_id)).opened == 1
        first, last = answers_of_all(request_id)
        assert not (await world.record([first])).closures
        (closure,) = (await world.record([last])).closures
        assert closure.request_id == request_id
        assert closure.outcome is Outcome.FULFILLED
        assert closure.obligations == len(SYSTEMS)
        request, standings = await state_of(world, request_id)
        assert request.closed_at == closure.closed_at
        assert request.open_count == 0
        assert all(one.is_confirmed for one in standings.values())

    async def test_how_long_a_system_took_is_told_once_it_confirms(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        world.pass_time(timedelta(hours=2))
        busy = batch(answer(request_id, disposition=Disposition.IN_PROGRESS))
        assert (await world.record([busy])).confirmed == []
        world.pass_time(timedelta(hours=1))
        done = batch(answer(request_id, sequence=2))
        assert (await world.record([done])).confirmed == [(SystemId("crm"), 3 * 3600.0)]
        again = batch(answer(request_id, sequence=3, records=7))
        assert (await world.record([again, done])).confirmed == [], "it was confirmed before"

    async def test_all_answers_in_one_micro_batch_close(self, world: World) -> None:
        request_ids = [a_new_request_id() for _ in range(5)]
        await world.open(*request_ids)
        records = [
            batch(*(answer(one, system_id) for one in request_ids), by=system_id)
            for system_id in SYSTEMS
        ]
        tally = await world.record(records)
        assert {one.request_id for one in tally.closures} == set(request_ids)
        assert tally.recorded == 10

    async def test_obligations_twice_change_nothing(self, world: World) -> None:
        request_id = a_new_request_id()
        record = obligations(request_id)
        await world.opener.take([record])
        await world.record([batch(answer(request_id))])
        again = await world.opener.take([record, record])
        assert (again.opened, again.reopened, again.refusals) == (0, 1, [])
        request, _ = await state_of(world, request_id)
        assert request.open_count == 1

    async def test_obligations_again_with_another_plan_are_refused(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        other = obligations(request_id, systems=((SystemId("billing"), "example-group"),))
        assert reasons(await world.opener.take([other])) == ["conflicting_obligations"]
        request, _ = await state_of(world, request_id)
        assert set(request.systems) == set(SYSTEMS)

    @pytest.mark.parametrize(
        "changes", [{"cohort_id": CohortId(an_id(77))}, {"right": Right.ACCESS}]
    )
    async def test_obligations_again_with_another_cohort_or_right_are_refused(
        self, world: World, changes: dict[str, Any]
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        assert reasons(await world.open(request_id, **changes)) == ["conflicting_obligations"]
        request, _ = await state_of(world, request_id)
        assert (request.cohort_id, request.right) == (request_id, Right.DELETION)

    async def test_two_plans_for_one_request_in_one_micro_batch(self, world: World) -> None:
        request_id = a_new_request_id()
        other = obligations(request_id, systems=((SystemId("billing"), "example-group"),))
        tally = await world.opener.take([obligations(request_id), other])
        assert reasons(tally) == ["conflicting_obligations"]
        request, _ = await state_of(world, request_id)
        assert set(request.systems) == set(SYSTEMS)

    async def test_answer_before_obligations_is_parked_and_joined(self, world: World) -> None:
        request_id = a_new_request_id()
        early = await world.record(answers_of_all(request_id))
        assert (early.parked, early.recorded, early.refusals) == (2, 0, [])
        joined = await world.open(request_id)
        assert joined.recorded == 2
        assert [one.request_id for one in joined.closures] == [request_id]
        assert (await world.keeper.run_once()).refusals == []

    async def test_the_same_answer_parked_twice_is_joined_once(self, world: World) -> None:
        request_id = a_new_request_id()
        record = batch(answer(request_id))
        await world.one_by_one([record, record])
        assert (await world.open(request_id)).recorded == 1

    async def test_answer_twice_changes_nothing(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        record = batch(answer(request_id))
        await world.record([record])
        before = await state_of(world, request_id)
        tally = await world.record([record, record])
        assert (tally.recorded, tally.repeated) == (0, 1)
        assert await state_of(world, request_id) == before

    async def test_replay_after_a_crash_between_commit_and_offset_changes_nothing(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        records = answers_of_all(request_id)
        assert len((await world.record(records)).closures) == 1
        before = await state_of(world, request_id)
        replayed = await world.record(records)
        assert (replayed.closures, replayed.recorded, replayed.late) == ([], 0, 0)
        assert replayed.repeated == 2
        assert await state_of(world, request_id) == before

    async def test_any_order_gives_the_same_record(self, world: World) -> None:
        shuffled = random.Random(7)
        outcomes = set()
        for _ in range(6):
            request_id = a_new_request_id()
            await world.open(request_id)
            records = [
                batch(answer(request_id, disposition=Disposition.RECEIVED)),
                batch(answer(request_id, disposition=Disposition.FAILED, sequence=2)),
                batch(answer(request_id, sequence=3)),
                batch(answer(request_id, disposition=Disposition.NOT_FOUND, sequence=4)),
            ]
            shuffled.shuffle(records)
            await world.one_by_one(records)
            request, standings = await state_of(world, request_id)
            one = standings[SystemId("crm")]
            assert one.answer is not None
            outcomes.add(
                (
                    request.open_count,
                    one.answer.disposition,
                    one.answer.sequence,
                    one.is_confirmed,
                    one.is_contradicted,
                )
            )
        assert outcomes == {(1, Disposition.ERASED, 3, True, False)}

    async def test_failed_after_erased_does_not_close_and_a_later_answer_does(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        await world.record([batch(answer(request_id))])
        tally = await world.record(
            [batch(answer(request_id, disposition=Disposition.FAILED, sequence=2))]
        )
        assert tally.contradictions == 1
        request, standings = await state_of(world, request_id)
        assert request.open_count == 2
        assert standings[SystemId("crm")].is_contradicted
        assert not (await world.record(answers_of_all(request_id)[1:])).closures
        settled = await world.record([batch(answer(request_id, sequence=3))])
        assert [one.request_id for one in settled.closures] == [request_id]

    async def test_two_answers_under_one_sequence_contradict(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        two = [batch(answer(request_id, records=count)) for count in (1, 2)]
        tally = await world.record([*two, *answers_of_all(request_id)[1:]])
        assert tally.contradictions == 1
        assert not tally.closures

    async def test_an_exemption_closes_partly_fulfilled(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        kept = batch(answer(request_id, disposition=Disposition.EXEMPT))
        await world.record([kept])
        (closure,) = (await world.record(answers_of_all(request_id)[1:])).closures
        assert closure.outcome is Outcome.PARTLY_FULFILLED

    async def test_one_micro_batch_and_many_give_one_evidence(self, world: World) -> None:
        digests = set()
        for together in (True, False):
            request_id = a_new_request_id()
            answers = [answer(request_id, one, Disposition.EXEMPT) for one in SYSTEMS]
            records = [batch(one, by=one.system_id) for one in answers]
            await world.open(request_id)
            step = world.record if together else world.one_by_one
            (closure,) = (await step(records)).closures
            _, standings = await state_of(world, request_id)
            digests.add(
                tuple(
                    replace(one.answer, request_id=RequestId("any"))
                    for _, one in sorted(standings.items())
                    if one.answer
                )
            )
            assert len(closure.evidence_digest) == 32
        assert len(digests) == 1

    async def test_bad_signature_is_refused_whole(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        message = sign([answer(request_id)], keys_of("crm"))
        message.signature = bytes(64)
        tally = await world.record([a_record(ACKNOWLEDGEMENTS.name, message)])
        assert (reasons(tally), tally.recorded) == (["bad_signature"], 0)

    async def test_an_answer_added_to_a_signed_batch_is_refused_whole(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        message = sign([answer(request_id)], keys_of("crm"))
        more = sign([answer(request_id, sequence=2)], keys_of("crm"))
        message.acknowledgements.extend(more.acknowledgements)
        tally = await world.record([a_record(ACKNOWLEDGEMENTS.name, message)])
        assert reasons(tally) == ["bad_signature"]

    async def test_wrong_system_is_refused_and_its_neighbours_are_recorded(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        record = batch(answer(request_id), answer(request_id, "mailer"), by="crm")
        tally = await world.record([record])
        assert tally.recorded == 1
        (refusal,) = tally.refusals
        assert refusal.fault.reason == "wrong_system"
        assert "at 1;" in refusal.fault.detail
        assert refusal.received == record

    async def test_an_answer_that_its_right_does_not_allow_is_refused(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        wrong = answer(request_id, disposition=Disposition.DELIVERED)
        tally = await world.record([batch(wrong, answer(request_id, sequence=2))])
        assert (reasons(tally), tally.recorded) == (["disposition_not_allowed"], 1)

    async def test_an_oversize_answer_is_refused_and_its_neighbours_are_recorded(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        grounds = (an_exemption(ground="x" * 200_000),)
        large = answer(request_id, disposition=Disposition.EXEMPT, exemptions=grounds)
        tally = await world.record([batch(large, answer(request_id, sequence=2))])
        assert (reasons(tally), tally.recorded) == (["too_large"], 1)

    async def test_an_answer_to_another_right_is_refused(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        wrong = answer(request_id, disposition=Disposition.DELIVERED, right=Right.ACCESS)
        tally = await world.record([batch(wrong)])
        assert (reasons(tally), tally.recorded) == (["wrong_right"], 0)

    async def test_a_system_that_owes_nothing_is_refused(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        tally = await world.record([batch(answer(request_id, "billing"), by="billing")])
        assert (reasons(tally), tally.recorded) == (["not_addressed"], 0)

    async def test_a_parked_answer_of_a_system_that_owes_nothing_is_refused_when_joined(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.record([batch(answer(request_id, "billing"), by="billing")])
        joined = await world.open(request_id)
        assert (joined.recorded, reasons(joined)) == (0, ["not_addressed"])
        assert await world.ledger.parked_count() == 0

    async def test_unknown_request_expires_to_a_dead_letter(self, world: World) -> None:
        known, unknown = a_new_request_id(), a_new_request_id()
        await world.open(known)
        record = batch(answer(known), answer(unknown))
        assert (await world.record([record])).parked == 1
        assert reasons(await world.keeper.run_once()) == []
        world.pass_time(world.limits.parked_for + timedelta(seconds=1))
        (refusal,) = (await world.keeper.run_once()).buried
        assert refusal.fault.reason == "unknown_request"
        assert (refusal.received.value, refusal.received.offset) == (record.value, record.offset)
        assert reasons(await world.keeper.run_once()) == []
        assert await world.keeper.parked() == 0

    async def test_an_expired_answer_that_is_replayed_is_joined(self, world: World) -> None:
        request_id = a_new_request_id()
        record = batch(answer(request_id))
        await world.record([record])
        world.pass_time(world.limits.parked_for + timedelta(seconds=1))
        await world.keeper.run_once()
        await world.open(request_id)
        assert (await world.record([record])).recorded == 1

    async def test_no_more_than_the_quota_is_parked(self, world: World) -> None:
        small = World(world.ledger, world.registry, Limits(parked_per_system=3))
        before = await small.keeper.parked()
        record = batch(*(answer(a_new_request_id()) for _ in range(5)))
        tally = await small.record([record])
        assert (tally.parked, reasons(tally)) == (3 - before, ["parked_full"])
        assert tally.parked_full == 2 + before
        small.pass_time(small.limits.parked_for + timedelta(seconds=1))
        await small.keeper.run_once()

    async def test_a_parked_answer_that_was_missed_is_joined_by_the_keeper(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.record([batch(answer(request_id))])
        async with world.ledger.transaction() as transaction:
            opened = world.opener._read(obligations(request_id)).said
            await transaction.open([opened], world.now)
        assert (await world.keeper.run_once()).recorded == 1

    async def test_unknown_registry_digest_waits_and_holds_up_no_one(self, world: World) -> None:
        late, other = a_new_request_id(), a_new_request_id()
        world.registry.waits.clear()
        tally = await world.opener.take(
            [obligations(late, registry_digest="not published"), obligations(other)]
        )
        assert (tally.opened, reasons(tally)) == (1, ["unknown_registry_digest"])
        assert len(world.registry.waits) == 1

    async def test_a_registry_that_arrives_in_time(self, world: World) -> None:
        request_id = a_new_request_id()
        (digest,) = world.registry.registries
        registry = world.registry.registries.pop(digest)
        world.registry.arriving.append(lambda: world.registry.registries.update({digest: registry}))
        assert (await world.open(request_id)).opened == 1

    @pytest.mark.parametrize(
        ("system_id", "organisation_id"),
        [("unheard-of", "example-group"), ("crm", "example-mail")],
    )
    async def test_a_system_outside_the_registry_version_is_refused(
        self, world: World, system_id: str, organisation_id: str
    ) -> None:
        tally = await world.open(a_new_request_id(), systems=((system_id, organisation_id),))
        assert (tally.opened, reasons(tally)) == (0, ["not_in_registry"])

    async def test_a_key_that_arrives_in_time(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        keys = world.registry.public.pop("crm")
        world.registry.arriving.append(lambda: world.registry.public.update({"crm": keys}))
        assert (await world.record([batch(answer(request_id))])).recorded == 1

    async def test_system_without_keys_waits_once_and_is_refused(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        world.registry.waits.clear()
        del world.registry.public["crm"]
        tally = await world.record(
            [batch(answer(request_id)), batch(answer(request_id, "mailer"), by="mailer")]
        )
        assert (reasons(tally), tally.recorded) == (["unknown_key"], 1)
        assert len(world.registry.waits) == 1

    async def test_unknown_key_id_of_a_system_with_keys_holds_up_no_one(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        world.registry.waits.clear()
        stranger = SystemKeyPair.generate("crm")
        record = a_record(ACKNOWLEDGEMENTS.name, sign([answer(request_id)], stranger))
        tally = await world.record([record, batch(answer(request_id, "mailer"), by="mailer")])
        assert (reasons(tally), tally.recorded) == (["unknown_key"], 1)
        assert world.registry.waits == []

    async def test_a_system_that_is_not_registered_is_refused_without_a_wait(
        self, world: World
    ) -> None:
        world.registry.waits.clear()
        stranger = SystemKeyPair.generate("made-up")
        message = sign([answer(a_new_request_id(), "made-up")], stranger)
        assert reasons(await world.record([a_record(ACKNOWLEDGEMENTS.name, message)])) == [
            "unknown_key"
        ]
        assert world.registry.waits == []

    async def test_rubbish_is_refused_and_its_neighbours_are_recorded(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        good = batch(answer(request_id))
        other = obligations(a_new_request_id())
        records = [
            replace(good, value=None),
            replace(good, value=b""),
            replace(good, value=os.urandom(300)),
            replace(good, value=b"\xff" * 900_000),
            replace(good, headers=()),
            replace(good, headers=(("ce_type", None),)),
            other,
            replace(other, headers=good.headers),
            a_record(ACKNOWLEDGEMENTS.name, acknowledgements_pb2.SignedAcknowledgements()),
            good,
        ]
        tally = await world.record(records)
        assert len(tally.refusals) == 9
        assert tally.recorded == 1

    async def test_rubbish_leaves_are_refused_and_their_neighbours_are_recorded(
        self, world: World
    ) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        good = sign([answer(request_id)], keys_of("crm")).acknowledgements[0]
        too_large = acknowledgements_pb2.Acknowledgement.FromString(good)
        too_large.records = 2**64 - 1
        message = signed_leaves(b"", os.urandom(40), too_large.SerializeToString(), good)
        tally = await world.record([a_record(ACKNOWLEDGEMENTS.name, message)])
        assert tally.recorded == 1
        (refusal,) = tally.refusals
        assert refusal.fault.detail.startswith("3 of 4 answers refused, at 0, 1, 2;")

    async def test_fields_of_a_later_schema_version_are_understood(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        unknown_field = b"\xf2\x3f\x05later"  # field 1022, length-delimited
        good = sign([answer(request_id)], keys_of("crm")).acknowledgements[0]
        record = a_record(ACKNOWLEDGEMENTS.name, signed_leaves(good + unknown_field))
        later = replace(record, value=(record.value or b"") + unknown_field)
        assert (await world.record([later])).recorded == 1

    async def test_a_disposition_of_a_later_schema_version_is_refused(self, world: World) -> None:
        request_id = a_new_request_id()
        await world.open(request_id)
        leaf = sign([answer(request_id)], keys_of("crm")).acknowledgements[0]
        later = acknowledgements_pb2.Acknowledgement.FromString(leaf)
        later.disposition = common_pb2.Disposition.ValueType(99)
        record = a_record(ACKNOWLEDGEMENTS.name, signed_leaves(later.SerializeToString()))
        assert reasons(await world.record([record])) == ["invalid_field"]

    async def test_too_many_answers_in_one_batch_are_refused(self, world: World) -> None:
        small = World(world.ledger, world.registry, Limits(answers_per_batch=2))
        record = batch(*(answer(a_new_request_id()) for _ in range(3)))
        assert reasons(await small.record([record])) == ["too_large"]

    async def test_members_of_cohorts_close_by_themselves(self, world: World) -> None:
        first, second = a_new_request_id(), a_new_request_id()
        await world.open(first, second, cohort_id=a_cohort_id(int(second[-6:], 16)))
        tally = await world.record(answers_of_all(second))
        assert [one.request_id for one in tally.closures] == [second]
        request, _ = await state_of(world, first)
        assert request.closed_at is None


def signed_leaves(*leaves: bytes) -> acknowledgements_pb2.SignedAcknowledgements:
    """A batch whose leaves are what they are; the signature holds."""
    keys = keys_of("crm")
    root = merkle.root([merkle.leaf_hash(leaf) for leaf in leaves])
    return acknowledgements_pb2.SignedAcknowledgements(
        system_id="crm",
        key_id=keys.public.signing.id,
        signature=keys.signing.sign(signed_bytes("crm", len(leaves), root)),
        acknowledgements=leaves,
    )
