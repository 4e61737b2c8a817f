"""What is open, counted by PostgreSQL; what ends, counted with its promise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from integration.intake.closures_test import a_record, answered

from dsr_core.closing import Outcome
from dsr_core.metrics.intake import DUE_WITHIN
from dsr_intake.adapters.standing import PostgresStanding
from dsr_intake.application.clock import utc_now
from dsr_runtime.kafka import Publisher
from support.decisions import BASE, withdraw
from support.intake import Intake, VerifierDouble
from support.submissions import a_submission
from support.waiting import eventually

LATE = 0


async def submitted(intake: Intake, count: int) -> list[str]:
    answers = [await intake.http.post(BASE, json=a_submission(n)) for n in range(count)]
    return [one.json()["id"] for one in answers]


async def shown(intake: Intake, series: str) -> float:
    text = (await intake.http.get("/metrics")).text
    found = [line for line in text.splitlines() if line.startswith(f"{series} ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


async def test_open_requests_are_counted_by_law_and_date_until_they_are_answered(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher
) -> None:
    accepted = 'dsr_intake_accepted_total{call="single",regime="gdpr",right="deletion"}'
    before = await shown(intake, accepted)
    ids = await submitted(intake, 3)
    assert await shown(intake, accepted) == before + 3
    store, now = PostgresStanding(intake.pool), utc_now()
    [found] = await store.open_requests(DUE_WITHIN, now)
    assert (found.right, found.regime, found.members) == ("deletion", "gdpr", 3)
    nearest = timedelta(seconds=DUE_WITHIN[found.place - 1])
    assert timedelta(days=14) <= nearest <= timedelta(days=30)
    assert now - found.oldest < timedelta(minutes=5)
    [later] = await store.open_requests(DUE_WITHIN, now + timedelta(days=60))
    assert (later.place, later.members) == (LATE, 3)

    kept = 'outcome="fulfilled",promise="kept",regime="gdpr",right="deletion"'
    ended = await shown(intake, f"dsr_intake_answered_total{{{kept}}}")
    for one in ids[:2]:
        verifier.keeps(one)
    await publisher.publish([a_record(one, one, outcome=Outcome.FULFILLED) for one in ids[:2]])
    for one in ids[:2]:
        await answered(intake, one)
    assert await shown(intake, f"dsr_intake_answered_total{{{kept}}}") == ended + 2
    [left] = await store.open_requests(DUE_WITHIN, now)
    assert left.members == 1


async def test_one_that_left_its_cohort_is_counted_once(intake: Intake) -> None:
    store, now = PostgresStanding(intake.pool), utc_now()

    async def members() -> int:
        return sum(one.members for one in await store.open_requests(DUE_WITHIN, now))

    before = await members()
    [one] = await submitted(intake, 1)
    assert await members() == before + 1
    assert (await withdraw(intake, one)).is_success
    assert await members() in {before, before + 1}, "it has ended at once, or it is stopping"


@pytest.mark.parametrize("series", ['dsr_intake_consumer_lag_records{topic="dsr.closures.v1"}'])
async def test_what_is_unread_is_shown(intake: Intake, series: str) -> None:
    async def is_shown() -> bool:
        return series in (await intake.http.get("/metrics")).text

    await eventually(is_shown, within=30)
