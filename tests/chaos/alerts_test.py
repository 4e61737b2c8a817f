"""Alerts fire for real: each fault is done to the running loop, and the alert for it fires, then ends.

The rules are the checkout's own, with their waiting times shortened to seconds.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dsr_cli.api.client import ApiError
from dsr_cli.stack.prometheus import RULES
from dsr_core.rights import Disposition
from dsr_wire.topics import REGISTRY
from support.command import dsr
from support.forging import Raw, acknowledge, an_answer, send, signed_record
from support.loop import Loop
from support.parts import ROOT, keys_of
from support.prometheus import Prometheus, watching
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

SILENT, ITS_ORGANISATION = "newsletter", "mail-delivery-provider"

SHORTENED = {
    "> 120": "> 4",  # DsrOutboxStuck
    "> 259200": "> 4",  # DsrOrganisationSilent
    "[1d]": "[15s]",  # its window
    "> 3600": "> 4",  # DsrLettersStuck
    "> 1800": "> 20",  # DsrMeasurementsStale
    "[10m]": "[30s]",  # DsrCallsFailing, DsrStepsHeldUp
    "[15m]) > 1000": "[10s]) > 0",  # DsrConsumerBehind
    "[15m]))\n          > 1000": "[10s]))\n          > 0",
}


@pytest.fixture(scope="module")
async def prometheus(
    loop: Loop, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    text = re.sub(r"^ +for: \w+\n", "", (ROOT / RULES).read_text(), flags=re.MULTILINE)
    for long, short in SHORTENED.items():
        text = text.replace(long, short)
    rules = tmp_path_factory.mktemp("rules") / "quick.yaml"
    rules.write_text(text)
    await loop.answered(await loop.submit())
    async with watching(loop, rules=rules) as one:
        yield one


@asynccontextmanager
async def without(loop: Loop, name: str) -> AsyncIterator[None]:
    """Have a process stopped meanwhile."""
    await asyncio.to_thread(loop.stack.stop, name)
    try:
        yield
    finally:
        await asyncio.to_thread(loop.stack.start, name)


@asynccontextmanager
async def one_missing(loop: Loop) -> AsyncIterator[str]:
    """Have a request that all systems but one have confirmed; answered afterwards."""
    async with without(loop, loop.system(SILENT)):
        request_id = await loop.submit()

        async def is_alone() -> bool:
            return await loop.missing(request_id) == {SILENT}

        await eventually(is_alone, within=60)
        yield request_id
    await loop.answered(request_id)


async def test_a_service_that_is_gone(loop: Loop, prometheus: Prometheus) -> None:
    async with without(loop, "verifier"):
        await prometheus.fires("DsrServiceAbsent", service="verifier")
    await prometheus.is_over("DsrServiceAbsent", service="verifier")


async def test_kafka_away_leaves_the_outbox_unpublished(loop: Loop, prometheus: Prometheus) -> None:
    async with without(loop, "kafka"):
        request_id = await loop.submit()
        await prometheus.fires("DsrOutboxStuck", service="intake")
    await loop.answered(request_id)
    await prometheus.is_over("DsrOutboxStuck", service="intake")


async def test_postgresql_away_turns_submissions_away(loop: Loop, prometheus: Prometheus) -> None:
    refused = 0

    async def is_told() -> bool:
        nonlocal refused
        try:
            await loop.submit()
        except ApiError:
            refused += 1
        return await prometheus.firing("DsrAcceptanceBurnFast")

    async with without(loop, "postgres"):
        await eventually(is_told, within=120, what="the alert fires")
        await prometheus.fires("DsrMeasurementsStale", service="intake")
    assert refused > 0
    await prometheus.is_over("DsrMeasurementsStale", service="intake")


async def test_temporal_away_leaves_requests_unread(loop: Loop, prometheus: Prometheus) -> None:
    topic = "dsr.requests.v1"
    async with without(loop, "temporal"):
        request_id = await loop.submit()
        await prometheus.fires("DsrConsumerBehind", topic=topic)
    await loop.answered(request_id)
    await prometheus.is_over("DsrConsumerBehind", topic=topic)


async def test_calls_to_a_service_that_is_away(loop: Loop, prometheus: Prometheus) -> None:
    loop.stack.kill("fanout", signal.SIGSTOP)
    try:
        request_id = await loop.submit()

        async def is_published() -> bool:
            return not await loop.query("select 1 from intake.outbox limit 1")

        await eventually(is_published, within=30)
        await asyncio.to_thread(loop.stack.stop, "intake")
    finally:
        loop.stack.kill("fanout", signal.SIGCONT)
    try:
        await prometheus.fires("DsrCallsFailing", part="intake")
    finally:
        await asyncio.to_thread(loop.stack.start, "intake")
    await loop.answered(request_id)
    await prometheus.is_over("DsrCallsFailing", part="intake")


async def test_an_organisation_that_says_nothing_and_a_date_that_passes(
    loop: Loop, prometheus: Prometheus
) -> None:
    async with one_missing(loop) as request_id:
        await prometheus.fires("DsrOrganisationSilent", organisation_id=ITS_ORGANISATION)
        await loop.query(
            "update intake.cohorts set due_at = now() + interval '1 hour' where id::text = $1",
            request_id,
        )
        await prometheus.fires("DsrDueWithinADay", regime="gdpr")
        await loop.query(
            "update intake.cohorts set due_at = now() - interval '1 hour' where id::text = $1",
            request_id,
        )
        await prometheus.fires("DsrRequestsLate", regime="gdpr")
    await prometheus.is_over("DsrRequestsLate", regime="gdpr")


async def test_an_erasure_under_a_hold_and_an_answer_against_a_closure(
    loop: Loop, prometheus: Prometheus
) -> None:
    settings = loop.stack.settings
    async with one_missing(loop) as request_id:
        placed = await dsr(
            settings,
            *("hold", "place", "--authority", "a court", "--reason", "a test"),
            *("--request", request_id, "--system", SILENT, "--yes"),
        )
        assert placed.code == 0, placed.err

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


async def test_a_signature_that_does_not_hold_and_rubbish_in_the_registry(
    loop: Loop, prometheus: Prometheus
) -> None:
    request_id = await loop.submit()
    answer = an_answer(request_id, SILENT, sequence=50)
    send(loop, signed_record([answer], keys_of(loop.stack, SILENT), signature=b"0" * 64))
    await prometheus.fires("DsrSignaturesRefused", reason="bad_signature")
    await prometheus.fires("DsrDeadLetters", reason="bad_signature")
    send(loop, Raw(REGISTRY.name, b"rubbish", b"rubbish", ()))
    await prometheus.fires("DsrRegistryUnread")
    await loop.answered(request_id)


async def test_a_breaker_that_is_tripped(loop: Loop, prometheus: Prometheus) -> None:
    settings = loop.stack.settings
    await loop.query(
        """
        insert into intake.breaker_scopes (scope, tripped_at) values ('*', now())
        on conflict (scope) do update set tripped_at = excluded.tripped_at
        """
    )
    await prometheus.fires("DsrBreakerTripped", scope="*")
    proposed = await dsr(settings, "breaker", "release", "*", "--reason", "a test", "--yes")
    proposal = proposed.out.split()[0]
    released = await dsr(settings, "breaker", "approve", proposal, "--as", "operator-2", "--yes")
    assert released.code == 0, released.err
    await prometheus.is_over("DsrBreakerTripped", scope="*")


async def test_a_mail_server_that_is_away(loop: Loop, prometheus: Prometheus) -> None:
    async with without(loop, "mail"):
        request_id = await loop.submit()
        await prometheus.fires("DsrLettersStuck", kind="done")
    await loop.answered(request_id)
    await prometheus.is_over("DsrLettersStuck", kind="done")
