"""Alerts about promises and the law fire for real; as the file beside this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsr_cli.demo.people import submission
from dsr_core.rights import Disposition
from support.faults import ITS_ORGANISATION, SILENT, by_command, one_missing, without
from support.forging import acknowledge, an_answer
from support.loop import Loop
from support.operating import somebody_with_invoices
from support.parts import ROOT
from support.prometheus import Prometheus
from support.registries import files, publish
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


async def is_due(loop: Loop, request_id: str, within: str) -> None:
    """Move a legal date: months are not lived through here."""
    await loop.query(
        "update intake.cohorts set due_at = now() + $2::text::interval where id::text = $1",
        request_id,
        within,
    )


async def test_an_organisation_that_says_nothing_and_a_date_that_passes(
    loop: Loop, prometheus: Prometheus
) -> None:
    async with one_missing(loop) as request_id:
        age = f'dsr_verifier_missing_age_seconds{{organisation_id="{ITS_ORGANISATION}"}} > 4'
        await prometheus.shows(age, within=200)  # as long as may pass between two countings
        await prometheus.fires("DsrOrganisationSilent", organisation_id=ITS_ORGANISATION)
        for within, alert in (
            ("3 days", "DsrDueWithinAWeek"),
            ("1 hour", "DsrDueWithinADay"),
            ("-1 hour", "DsrRequestsLate"),
        ):
            await is_due(loop, request_id, within)
            await prometheus.measured("intake")
            await prometheus.fires(alert, regime="gdpr")
    await prometheus.measured("intake")
    await prometheus.is_over("DsrRequestsLate", regime="gdpr")


async def test_answers_that_come_after_their_date(loop: Loop, prometheus: Prometheus) -> None:
    for _ in range(2):  # a series that has just appeared has no rate yet
        async with one_missing(loop) as request_id:
            await is_due(loop, request_id, "-1 hour")
        await prometheus.shows('dsr_intake_answered_total{promise="broken",regime="gdpr"}')
    await prometheus.fires("DsrPromisesBurnFast")
    await prometheus.fires("DsrPromisesBurnSlow")


async def test_an_erasure_under_a_hold_and_an_answer_against_a_closure(
    loop: Loop, prometheus: Prometheus
) -> None:
    async with one_missing(loop) as request_id:
        placing = ("hold", "place", "--authority", "a court", "--reason", "a test")
        await by_command(loop, *placing, "--request", request_id, "--system", SILENT, "--yes")

        async def is_held() -> bool:
            return bool(
                await loop.query(
                    "select 1 from verifier.requests where request_id::text = $1"
                    " and held_system_ids is not null",
                    request_id,
                )
            )

        await eventually(is_held, within=60)
        acknowledge(loop, an_answer(request_id, SILENT, sequence=100, records=1))
        await prometheus.fires("DsrHoldBreach", system_id=SILENT)
    acknowledge(loop, an_answer(request_id, SILENT, Disposition.FAILED, sequence=101))
    await prometheus.fires("DsrClosureContradicted")


async def test_erased_data_that_a_system_finds_there_again(
    loop: Loop, prometheus: Prometheus
) -> None:
    async with one_missing(loop) as request_id:
        acknowledge(loop, an_answer(request_id, SILENT, Disposition.PRESENT, sequence=100))
        await prometheus.fires("DsrErasedDataBack", system_id=SILENT)
        acknowledge(
            loop,
            an_answer(request_id, SILENT, sequence=101, records=1),
            an_answer(request_id, SILENT, Disposition.ABSENT, sequence=102),
        )


async def test_an_appeal_that_nobody_decides(loop: Loop, prometheus: Prometheus) -> None:
    person, virginia = loop.person(), {"jurisdiction": "US-VA"}
    async with one_missing(loop, person, **virginia) as refused:
        ground = ("--ground", "Va. Code § 59.1-577(B)(3)", "--reason", "the fifth this month")
        await by_command(loop, "request", "refuse", refused, *ground, "--yes")
    async with loop.client() as client:
        again = submission(person) | virginia | {"appeal_of": refused}
        appeal = await client.submit(again)
    await is_due(loop, appeal["id"], "-1 hour")
    await prometheus.fires("DsrAppealUndecided")
    granting = ("appeal", "grant", appeal["id"], "--reason", "no other was made", "--yes")
    await by_command(loop, *granting, "--as", "operator-2")
    await loop.answered(appeal["id"])


async def test_a_breaker_that_is_tripped(loop: Loop, prometheus: Prometheus) -> None:
    await loop.query(
        """
        insert into intake.breaker_scopes (scope, tripped_at) values ('*', now())
        on conflict (scope) do update set tripped_at = excluded.tripped_at
        """
    )
    await prometheus.fires("DsrBreakerTripped", scope="*")
    proposed = await by_command(loop, "breaker", "release", "*", "--reason", "a test", "--yes")
    proposal = proposed.out.split()[0]
    await by_command(loop, "breaker", "approve", proposal, "--as", "operator-2", "--yes")
    await prometheus.is_over("DsrBreakerTripped", scope="*")


async def test_a_review_of_a_system_that_is_retired(
    loop: Loop, prometheus: Prometheus, tmp_path: Path
) -> None:
    person = await somebody_with_invoices(loop)
    async with loop.client() as client:
        accepted = await client.submit(submission(person) | {"jurisdiction": "DE"})
    await loop.answered(accepted["id"])
    retired = (r"(  - id: billing\n)", r"\1    retired: 2026-01-01\n")
    await publish(loop, files(tmp_path / "retired", cloud_europe=retired))
    try:
        # The years for which books are kept are not lived through here: the date has come.
        come = "update intake.deferred_notices set next_try_at = now() where request_id::text = $1"
        await loop.query(f"{come} and system_id = 'billing'", accepted["id"])
        await prometheus.fires("DsrReviewsStuck", step="postponed")
    finally:
        await publish(loop, ROOT / "registry")


async def test_a_receipt_that_its_person_is_not_told_of(loop: Loop, prometheus: Prometheus) -> None:
    california = submission(loop.person()) | {"jurisdiction": "US-CA"}
    async with without(loop, "mail"), loop.client() as client:
        accepted = await client.submit(california)
        await prometheus.fires("DsrReceiptUntold", regime="ccpa")
        # Ten business days are not lived through here.
        past = "update intake.subject_requests set received_at = now() - interval '30 days'"
        await loop.query(f"{past} where id::text = $1", accepted["id"])
        await prometheus.fires("DsrReceiptLate", regime="ccpa")
        await prometheus.is_over("DsrReceiptUntold", regime="ccpa")
    await loop.answered(accepted["id"])
    await prometheus.shows('dsr_intake_receipts_untold{date="passed",regime="ccpa"} == 0')


async def test_a_version_of_the_registry_that_is_not_there(
    loop: Loop, prometheus: Prometheus
) -> None:
    """The hold is one that is not carried out yet, as after a database was put back to an earlier time."""
    pinned = "select registry_digest from intake.cohorts where id::text = $1"
    pin = "update intake.cohorts set registry_digest = $2 where id::text = $1"
    holds = "select hold_id::text, held_at from intake.held_requests where request_id::text = $1"
    held = "update intake.held_requests set held_at = $2 where request_id::text = $1"
    async with one_missing(loop) as request_id:
        placed = ("hold", "place", "--request", request_id, "--authority", "a court")
        await by_command(loop, *placed, "--reason", "a claim", "--yes")

        async def is_held() -> bool:
            return [one["held_at"] for one in await loop.query(holds, request_id)] != [None]

        await eventually(is_held, within=60)
        [[digest]], [hold] = (
            await loop.query(pinned, request_id),
            await loop.query(holds, request_id),
        )
        await loop.query(pin, request_id, "0" * 64)
        await loop.query(held, request_id, None)
        await prometheus.fires("DsrHoldsRefused", reason="unavailable")
        await loop.query(pin, request_id, digest)
        await loop.query(held, request_id, hold["held_at"])
        lifted = ("hold", "lift", hold["hold_id"], "--reason", "the claim is settled", "--yes")
        await by_command(loop, *lifted)
