"""The rules that a request pins stay its rules, whatever is published later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from integration.intake.extending_test import extend, timeline

from dsr_cli.kafka.registry_topic import rules_record
from dsr_core.law.calendars import Term
from dsr_core.law.rules import RESPOND_BY, Regime, Rules
from dsr_runtime.kafka import Publisher
from support.decisions import shown, submitted
from support.intake import Intake
from support.law import shipped_rules
from support.waiting import eventually

NEXT = {"jurisdiction": "GB"}


def shorter(regime: Regime) -> Regime:
    """A regime that gives ten days, no extension, and one tier."""
    days = Term.parse("10 days")
    rules = tuple(
        replace(one, term=days, extension=None) if one.name == RESPOND_BY else one
        for one in regime.rules
    )
    return replace(regime, rules=rules, tiers=regime.tiers[-1:])


@pytest.fixture
async def stricter(publisher: Publisher) -> AsyncIterator[Rules]:
    """The shipped rules with less time in Britain, to be published; they are taken back at the end."""
    shipped = shipped_rules()
    yield Rules(tuple(shorter(one) if one.name == "uk_gdpr" else one for one in shipped.regimes))
    await publisher.publish([rules_record(shipped, datetime.now(UTC))])


async def accepted_under(intake: Intake, rules: Rules) -> dict[str, Any]:
    """Submit until a request is counted by some rules; return it."""

    async def one() -> dict[str, Any] | None:
        found = await shown(intake, (await submitted(intake, **NEXT))["id"])
        return found if found["rules_digest"] == rules.digest else None

    return await eventually(one)


async def test_an_open_request_keeps_its_dates_and_its_rules_after_others_are_published(
    intake: Intake, publisher: Publisher, stricter: Rules
) -> None:
    before = await shown(intake, (await submitted(intake, **NEXT))["id"])
    dates = await timeline(intake, before["id"])
    await publisher.publish([rules_record(stricter, datetime.now(UTC))])
    new = await accepted_under(intake, stricter)
    assert new["due_at"] < before["due_at"]
    assert await shown(intake, before["id"]) == before
    assert await timeline(intake, before["id"]) == dates
    # What is decided about either goes by its own rules as well.
    assert (await extend(intake, new["id"])).status_code == 409
    extended = await extend(intake, before["id"])
    assert extended.status_code == 200, extended.text
    assert extended.json()["due_at"] > before["due_at"]
    assert (await timeline(intake, before["id"]))["rules_digest"] == shipped_rules().digest
