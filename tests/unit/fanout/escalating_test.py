"""Escalating: who is missing is told, once an action, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from unit.fanout.fanout_fakes import FakeLedger, FakePublisher, FakeRegistries, an_order

from dsr_contracts.v1 import escalations_pb2
from dsr_core.errors import RuleViolation, Unavailable
from dsr_core.law.rules import TierAction
from dsr_fanout.application.escalating import Escalating
from dsr_wire.codec.escalations import Escalation, escalation_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import ESCALATIONS
from support.builders import NOW, a_request_id


async def escalate(ledger: FakeLedger, publisher: FakePublisher, **changes: Any) -> int:
    escalating = Escalating(registries=FakeRegistries.of(), ledger=ledger, publisher=publisher)
    return await escalating.escalate(
        replace(an_order(), **changes), TierAction.ESCALATE_TO_ORGANISATION, at=NOW
    )


def told(publisher: FakePublisher) -> list[Escalation]:
    assert {one.topic for one in publisher.records} <= {ESCALATIONS.name}
    return [
        escalation_from_wire(decode(one.value, one.headers, escalations_pb2.Escalation))
        for one in publisher.records
    ]


async def test_each_missing_system_is_named_with_its_organisation_and_how_much_it_owes() -> None:
    ledger, publisher = FakeLedger(), FakePublisher()
    ledger.owed = {"mailer": (a_request_id(1),), "crm": (a_request_id(1), a_request_id(2))}
    assert await escalate(ledger, publisher) == 2
    [one] = told(publisher)
    assert one.action is TierAction.ESCALATE_TO_ORGANISATION
    assert [(m.system_id, m.organisation_id, m.requests) for m in one.missing] == [
        ("crm", "example-group", 2),
        ("mailer", "example-mail", 1),
    ]


async def test_where_only_the_answer_is_missing_nobody_is_blamed() -> None:
    publisher = FakePublisher()
    assert await escalate(FakeLedger(), publisher) == 0
    assert told(publisher)[0].missing == ()


async def test_two_tiers_of_one_action_and_date_are_two_events() -> None:
    publisher = FakePublisher()
    escalating = Escalating(
        registries=FakeRegistries.of(), ledger=FakeLedger(), publisher=publisher
    )
    action, moments = TierAction.ESCALATE_TO_ORGANISATION, (NOW, NOW + timedelta(days=1))
    for tier_at in (*moments, *moments):
        await escalating.escalate(an_order(), action, tier_at=tier_at, at=NOW)
    assert len(set(publisher.event_ids)) == len(moments)
    assert {one.tier_at for one in told(publisher)} == set(moments)


async def test_told_again_it_is_the_same_event() -> None:
    publisher = FakePublisher()
    for _ in range(2):
        await escalate(FakeLedger(), publisher)
    assert len(set(publisher.event_ids)) == 1


async def test_the_same_tier_of_an_extended_date_is_another_event() -> None:
    publisher = FakePublisher()
    await escalate(FakeLedger(), publisher)
    await escalate(FakeLedger(), publisher, due_at=NOW + timedelta(days=90))
    assert len(set(publisher.event_ids)) == len(publisher.event_ids)


async def test_without_the_ledger_nothing_is_told() -> None:
    ledger, publisher = FakeLedger(), FakePublisher()
    ledger.away.is_away = True
    with pytest.raises(Unavailable):
        await escalate(ledger, publisher)
    assert publisher.records == []


async def test_a_system_that_the_plan_does_not_know_is_a_fault() -> None:
    ledger = FakeLedger()
    ledger.owed = {"unheard-of": (a_request_id(1),)}
    with pytest.raises(RuleViolation):
        await escalate(ledger, FakePublisher())
