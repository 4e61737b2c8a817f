"""Opening and notifying, on fakes: who is told what, in records of which ids and sizes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from unit.fanout.fanout_fakes import (
    FakeIntake,
    FakeLedger,
    FakePublisher,
    FakeRegistries,
    a_registry_of,
    an_order,
)

from dsr_core.errors import RuleViolation, Unavailable
from dsr_core.ids import SystemId
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_fanout.application.notifying import SEALS_A_CALL, Notifying, Untold
from dsr_fanout.application.opening import Opening
from dsr_fanout.application.records import RECORD_LIMIT
from dsr_fanout.orders import Order, Sending
from dsr_wire.codec.notices import Instruction, SystemNotice
from dsr_wire.envelope import header
from support.builders import NOW, a_cohort_id, a_registry, a_request_id, a_system, days


class _Scene:
    def __init__(self, *, systems: int = 0) -> None:
        self.registry = a_registry_of(systems) if systems else a_registry()
        self.registries = FakeRegistries.of(self.registry)
        self.intake = FakeIntake()
        self.ledger = FakeLedger()
        self.publisher = FakePublisher()
        self.seconds_per_reading = 0.0
        self._elapsed = 0.0
        self.notifying = Notifying(
            registries=self.registries,
            intake=self.intake,
            ledger=self.ledger,
            publisher=self.publisher,
            monotonic=self._monotonic,
        )
        self.opening = Opening(registries=self.registries, publisher=self.publisher)

    def _monotonic(self) -> float:
        self._elapsed += self.seconds_per_reading
        return self._elapsed

    def order(self, **changes: object) -> Order:
        return an_order(registry_digest=self.registry.digest, **changes)


async def test_opening_states_every_system_with_its_owner() -> None:
    scene = _Scene()
    order = scene.order()
    opened = await scene.opening.open(order, at=NOW)

    (stated,) = scene.publisher.opened
    assert opened.systems == 3
    assert stated.systems == (
        ("billing", "example-group"),
        ("crm", "example-group"),
        ("mailer", "example-mail"),
    )
    assert list(stated.request_ids) == order.request_ids
    assert stated.due_at == order.due_at
    assert scene.publisher.records[0].key == order.cohort_id.encode()


async def test_opening_again_states_the_same_event() -> None:
    scene = _Scene()
    await scene.opening.open(scene.order(), at=NOW)
    await scene.opening.open(scene.order(), at=NOW)
    first, second = scene.publisher.records
    assert first == second


async def test_scope_limits_who_is_asked() -> None:
    scene = _Scene()
    order = scene.order(organisation_ids=["example-mail"])
    assert (await scene.opening.open(order, at=NOW)).systems == 1
    await scene.notifying.notify(Sending(order=order), at=NOW)
    assert set(scene.publisher.asked(0)) == {"mailer"}


async def test_a_scope_of_one_system_asks_that_system_alone() -> None:
    scene = _Scene()
    order = scene.order(system_ids=["crm"])
    assert (await scene.opening.open(order, at=NOW)).systems == 1
    await scene.notifying.notify(Sending(order=order), at=NOW)
    assert set(scene.publisher.asked(0)) == {"crm"}


async def test_who_is_only_to_look_is_told_so_and_has_to_look_after_an_erasure_too() -> None:
    scene = _Scene()
    order = scene.order(system_ids=["crm"], held_before=NOW)
    await scene.opening.open(order, at=NOW)
    assert scene.publisher.opened[0].looks_again == {"crm"}
    for sending in (Sending(order=order), Sending(order=order, reminder=1)):
        await scene.notifying.notify(sending, at=NOW)
    for notice in scene.publisher.notices:
        assert (notice.instruction, notice.held_before) == (Instruction.LOOK, NOW)
        assert [one.look_again for one in notice.systems] == [True]


async def test_who_is_only_to_look_is_suspended_as_others_are() -> None:
    scene = _Scene()
    order = scene.order(system_ids=["crm"], held_before=NOW)
    sending = Sending(order=order, instruction="suspend", revision=1, system_ids=["crm"])
    await scene.notifying.notify(sending, at=NOW)
    [notice] = scene.publisher.notices
    assert notice.instruction is Instruction.SUSPEND


async def test_obligations_name_the_rules_that_their_dates_were_counted_by() -> None:
    scene = _Scene()
    await scene.opening.open(scene.order(rules_digest="5f" * 32), at=NOW)
    (opened,) = scene.publisher.opened
    assert opened.rules_digest == "5f" * 32


async def test_obligations_say_what_the_plan_was_made_from() -> None:
    scene = _Scene()
    received_at = NOW - days(2)
    order = scene.order(system_ids=["crm"], since="2025-01-01", received_at=received_at)
    await scene.opening.open(order, at=NOW)
    (opened,) = scene.publisher.opened
    assert opened.received_at == received_at
    assert opened.scope == Scope(system_ids=(SystemId("crm"),), since=date(2025, 1, 1))


async def test_empty_plan_is_no_outcome() -> None:
    scene = _Scene()
    with pytest.raises(RuleViolation) as fault:
        await scene.opening.open(scene.order(categories=["system.operations"]), at=NOW)
    assert fault.value.reason == "empty_plan"
    assert scene.publisher.records == []


async def test_obligations_too_large_for_a_record_are_refused_not_cut() -> None:
    systems = tuple(a_system(f"system-{n}-{'x' * 30}", f"owner-{'y' * 40}") for n in range(7000))
    registry = a_registry(*systems)
    publisher = FakePublisher()
    opening = Opening(registries=FakeRegistries.of(registry), publisher=publisher)
    with pytest.raises(RuleViolation) as fault:
        await opening.open(an_order(registry_digest=registry.digest), at=NOW)
    assert fault.value.reason == "record_too_large"
    assert publisher.records == []


async def test_one_notice_an_organisation_and_one_call_to_intake() -> None:
    scene = _Scene()
    order = scene.order(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    sent = await scene.notifying.notify(Sending(order=order), at=NOW)

    assert (sent.notices, sent.next) == (2, None)
    assert len(scene.intake.seals) == 1
    assert [one.topic for one in scene.publisher.records] == [
        "dsr.deletion.example-group.v1",
        "dsr.deletion.example-mail.v1",
    ]
    notice = scene.publisher.notices[0]
    assert notice.notice_id == f"{order.cohort_id}/example-group/0"
    assert [one.system_id for one in notice.systems] == ["billing", "crm"]
    traceparent = header(scene.publisher.records[0].headers, "traceparent")
    assert traceparent == order.traceparent


async def test_access_goes_to_the_access_topics() -> None:
    scene = _Scene()
    order = scene.order(right=Right.ACCESS.value)
    await scene.notifying.notify(Sending(order=order), at=NOW)
    assert scene.publisher.records[0].topic == "dsr.access.example-group.v1"


async def test_large_cohort_is_sealed_in_slices_and_told_in_parts() -> None:
    scene = _Scene(systems=40)
    order = scene.order(members=250)
    await scene.notifying.notify(Sending(order=order), at=NOW)

    assert all(len(s) * len(r) <= SEALS_A_CALL for s, r in scene.intake.seals)
    assert len(scene.intake.seals) == 5
    everyone = set(order.request_ids)
    assert scene.publisher.asked(0) == {one.id: everyone for one in scene.registry.systems}
    assert len(set(scene.publisher.event_ids)) == len(scene.publisher.event_ids) == 15
    assert f"{order.cohort_id}/organisation-0/0/0-49" in scene.publisher.event_ids


@pytest.mark.parametrize(
    ("sealed_size", "sealed_key_size"),
    [(100, 80), (100, 1168), (100, 100_000), (4096, 80), (100_000, 1168)],
)
async def test_no_record_is_larger_than_its_limit(sealed_size: int, sealed_key_size: int) -> None:
    scene = _Scene(systems=24)
    scene.intake.sealed_size, scene.intake.sealed_key_size = sealed_size, sealed_key_size
    order = scene.order(members=30)
    await scene.notifying.notify(Sending(order=order), at=NOW)

    assert max(len(one.value) for one in scene.publisher.records) <= RECORD_LIMIT
    everyone = set(order.request_ids)
    assert scene.publisher.asked(0) == {one.id: everyone for one in scene.registry.systems}
    assert len(set(scene.publisher.event_ids)) == len(scene.publisher.event_ids)


async def test_part_of_the_same_id_stands_for_the_same_requests_after_an_answer() -> None:
    scene = _Scene(systems=24)
    scene.intake.sealed_size = 40_000
    order = scene.order(members=30)
    await scene.notifying.notify(Sending(order=order), at=NOW)
    first = {one.notice_id: one for one in scene.publisher.notices}
    scene.publisher.records.clear()
    scene.intake.answered = set(order.request_ids[3:11])
    await scene.notifying.notify(Sending(order=order), at=NOW)

    for again in scene.publisher.notices:
        if again.notice_id in first:
            assert _requests(again.systems) <= _requests(first[again.notice_id].systems)


async def test_try_that_takes_long_says_where_to_go_on() -> None:
    scene = _Scene(systems=1000)
    scene.seconds_per_reading = 3.0
    order = scene.order(members=10)
    sending = Sending(order=order)
    positions = []
    while True:
        sent = await scene.notifying.notify(sending, at=NOW)
        positions.append(sent.next)
        if sent.next is None:
            break
        sending = replace(sending, first=sent.next)

    assert positions == [4, 8, None]
    everyone = set(order.request_ids)
    assert scene.publisher.asked(0) == {one.id: everyone for one in scene.registry.systems}


async def test_reminder_goes_to_the_missing_alone() -> None:
    scene = _Scene()
    order = scene.order(members=3)
    one, two, three = order.request_ids
    scene.ledger.owed = {"crm": (one, three), "mailer": (three,), "billing": (one, three)}
    await scene.notifying.notify(Sending(order=order, reminder=1), at=NOW)

    assert scene.publisher.asked(1) == {
        "billing": {one, three},
        "crm": {one, three},
        "mailer": {three},
    }
    assert two not in {request for _, ids in scene.intake.seals for request in ids}
    assert len(scene.intake.seals) == 2  # the two that owe the same are sealed for together


async def test_nobody_missing_is_nobody_reminded() -> None:
    scene = _Scene()
    sent = await scene.notifying.notify(Sending(order=scene.order(), reminder=1), at=NOW)
    assert (sent.notices, sent.next) == (0, None)
    assert scene.intake.seals == []


async def test_missing_system_that_the_registry_does_not_know_is_a_fault() -> None:
    scene = _Scene()
    scene.ledger.owed = {"vanished": (a_request_id(),)}
    with pytest.raises(RuleViolation) as fault:
        await scene.notifying.notify(Sending(order=scene.order(), reminder=1), at=NOW)
    assert fault.value.reason == "unknown_system"


async def test_answered_requests_are_left_out_and_all_answered_is_no_notice() -> None:
    scene = _Scene()
    order = scene.order()
    scene.intake.answered = {order.request_ids[0]}
    await scene.notifying.notify(Sending(order=order), at=NOW)
    assert scene.publisher.asked(0)["crm"] == {order.request_ids[1]}

    scene.publisher.records.clear()
    scene.intake.answered = set(order.request_ids)
    assert (await scene.notifying.notify(Sending(order=order), at=NOW)).notices == 0


async def test_seal_without_one_of_the_systems_is_not_sent() -> None:
    class Forgetful(FakeIntake):
        async def seal(self, cohort_id: str, **asked: object) -> tuple[SystemNotice, ...]:
            sealed = await super().seal(cohort_id, **asked)
            return sealed[1:]

    scene = _Scene()
    scene.notifying._intake = Forgetful()
    with pytest.raises(Unavailable, match="other systems"):
        await scene.notifying.notify(Sending(order=scene.order()), at=NOW)
    assert scene.publisher.records == []


async def test_system_without_keys_withholds_no_other_organisations_notice() -> None:
    scene = _Scene()
    scene.intake.without_keys = {"billing"}
    order = scene.order()
    with pytest.raises(Untold, match="example-group") as fault:
        await scene.notifying.notify(Sending(order=order), at=NOW)
    assert fault.value.organisation_ids == ("example-group",)
    assert fault.value.notices == 1
    assert scene.publisher.asked(0) == {"mailer": set(order.request_ids)}

    scene.intake.without_keys.clear()
    again = Sending(order=order, only=list(fault.value.organisation_ids))
    assert (await scene.notifying.notify(again, at=NOW)).notices == 1
    assert scene.publisher.event_ids == [
        f"{order.cohort_id}/example-mail/0",
        f"{order.cohort_id}/example-group/0",
    ]


async def test_organisation_without_a_topic_withholds_no_other_organisations_notice() -> None:
    scene = _Scene()
    scene.publisher.missing_topics = {"dsr.deletion.example-group.v1"}
    order = scene.order()
    with pytest.raises(Untold) as fault:
        await scene.notifying.notify(Sending(order=order), at=NOW)
    assert fault.value.organisation_ids == ("example-group",)
    assert set(scene.publisher.asked(0)) == {"mailer"}


async def test_large_cohort_tells_the_others_of_every_request_past_a_failing_organisation() -> None:
    scene = _Scene(systems=400)
    scene.seconds_per_reading = 3.0
    scene.intake.without_keys = {"system-0"}
    order = scene.order(members=20)
    with pytest.raises(Untold) as fault:
        await scene.notifying.notify(Sending(order=order), at=NOW)
    assert fault.value.organisation_ids == ("organisation-0",)
    everyone = set(order.request_ids)
    assert scene.publisher.asked(0) == {
        one.id: everyone
        for one in scene.registry.systems
        if one.organisation_id != "organisation-0"
    }
    names = {one.rpartition("/")[2] for one in scene.publisher.event_ids if one}

    scene.publisher.records.clear()
    scene.intake.without_keys.clear()
    again = Sending(order=order, only=list(fault.value.organisation_ids))
    await scene.notifying.notify(again, at=NOW)
    assert {one.rpartition("/")[2] for one in scene.publisher.event_ids if one} == names


async def test_only_organisation_of_a_cohort_is_named_where_it_cannot_be_told() -> None:
    scene = _Scene()
    scene.intake.without_keys = {"mailer"}
    order = scene.order(organisation_ids=["example-mail"])
    with pytest.raises(Untold, match="example-mail"):
        await scene.notifying.notify(Sending(order=order), at=NOW)


async def test_what_all_organisations_lack_is_told_as_itself() -> None:
    scene = _Scene()
    scene.intake.away.is_away = True
    with pytest.raises(Unavailable) as fault:
        await scene.notifying.notify(Sending(order=scene.order()), at=NOW)
    assert not isinstance(fault.value, Untold)

    left_over = Sending(order=scene.order(), only=["example-group", "example-mail"])
    with pytest.raises(Untold, match="example-group, example-mail"):
        await scene.notifying.notify(left_over, at=NOW)


async def test_intake_that_does_not_answer_is_not_asked_for_each_organisation() -> None:
    scene = _Scene()
    scene.seconds_per_reading = 20.0
    scene.intake.away.is_away = True
    with pytest.raises(Unavailable, match=r"^away$"):
        await scene.notifying.notify(Sending(order=scene.order()), at=NOW)
    assert scene.intake.away.calls == 1


async def test_unknown_registry_version_is_unavailable() -> None:
    scene = _Scene()
    with pytest.raises(Unavailable):
        await scene.opening.open(an_order(registry_digest="0" * 64), at=NOW)


def _requests(systems: tuple[SystemNotice, ...]) -> set[str]:
    return {identity.request_id for one in systems for identity in one.identities}


async def test_a_request_that_a_hold_covers_in_one_system_is_left_out_there_alone() -> None:
    scene = _Scene()
    order = scene.order()
    held, other = order.request_ids
    scene.intake.held = {("crm", held)}
    await scene.notifying.notify(Sending(order=order), at=NOW)
    assert scene.publisher.asked(0) == {
        "billing": {held, other},
        "crm": {other},
        "mailer": {held, other},
    }


async def test_what_follows_from_a_decision_has_its_revision_in_its_id() -> None:
    scene = _Scene()
    order = scene.order(members=1, home_cohort_id=a_cohort_id(77))
    scene.ledger.owed = {"crm": tuple(order.request_ids)}
    for instruction in ("stop", "suspend", "perform"):
        sending = Sending(
            order=order, instruction=instruction, revision=3, system_ids=["crm", "mailer"]
        )
        await scene.notifying.notify(sending, at=NOW)
    ids = [one for one in scene.publisher.event_ids if one and "example-group" in one]
    assert ids == [
        f"{order.cohort_id}/example-group/stop-3",
        f"{order.cohort_id}/example-group/suspend-3",
        f"{order.cohort_id}/example-group/perform-3",
    ]
    assert {one.key for one in scene.publisher.records} == {a_cohort_id(77).encode()}
    assert {one.revision for one in scene.publisher.notices} == {3}
    suspended = scene.publisher.instructed(Instruction.SUSPEND, 3)
    assert set(suspended) == {"crm", "mailer"}, "whoever has answered is suspended as well"
    assert scene.intake.seals == [(("crm",), tuple(order.request_ids))]


async def test_a_reminder_waits_for_the_ledger_and_a_stop_does_not() -> None:
    scene = _Scene()
    order = scene.order(members=1)
    scene.ledger.unknown = {order.cohort_id}
    with pytest.raises(Unavailable, match="not recorded"):
        await scene.notifying.notify(Sending(order=order, reminder=1), at=NOW)
    await scene.notifying.notify(Sending(order=order, instruction="stop", revision=1), at=NOW)
    assert set(scene.publisher.instructed(Instruction.STOP, 1)) == {"billing", "crm", "mailer"}
