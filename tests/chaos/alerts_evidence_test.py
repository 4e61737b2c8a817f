"""Alerts about evidence and keys fire for real; as the file beside this one."""

from __future__ import annotations

import asyncio
import base64
import secrets
from datetime import UTC, datetime

import asyncpg
import pytest

from dsr_cli.stack.postgres import DATABASE
from dsr_cli.stack.roles import create_roles
from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId
from dsr_wire.codec.amendments import Amendment, amendment_to_wire
from dsr_wire.codec.decisions import Stopped
from dsr_wire.envelope import encode
from dsr_wire.topics import OBLIGATIONS
from support.faults import SILENT, one_missing, set_up_as, without
from support.forging import a_new_id, acknowledge, an_answer, send, signed_record
from support.loop import Loop
from support.operating import AWAY, away, known_to
from support.parts import keys_of
from support.prometheus import Prometheus
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

OTHER = "support-desk"
"""Of the same phase as the one that is away."""

SEQUENCER = "select pg_advisory_lock(7305116, 1)"
"""The turn of the transparency log (`dsr_verifier.adapters.log_store`)."""


async def test_a_signature_that_does_not_hold(loop: Loop, prometheus: Prometheus) -> None:
    request_id = await loop.submit()
    answer = an_answer(request_id, SILENT, sequence=50)
    send(loop, signed_record([answer], keys_of(loop.stack, SILENT), signature=b"0" * 64))
    await prometheus.fires("DsrSignaturesRefused", reason="bad_signature")
    await prometheus.fires("DsrDeadLetters", reason="bad_signature")
    await loop.answered(request_id)


async def test_a_system_that_makes_requests_up(loop: Loop, prometheus: Prometheus) -> None:
    async with set_up_as(loop, "verifier", {"DSR_VERIFIER_PARKED_PER_SYSTEM": "3"}):
        await prometheus.shows("dsr_verifier_parked_full_total == 0")
        acknowledge(loop, *(an_answer(a_new_id(), SILENT) for _ in range(5)))
        await prometheus.fires("DsrAnswersUnplaced")


async def test_a_decision_about_a_request_of_another_cohort(
    loop: Loop, prometheus: Prometheus
) -> None:
    async with one_missing(loop) as request_id:
        now, stranger = datetime.now(UTC), CohortId(a_new_id())
        amendment = Amendment(
            cohort_id=stranger,
            request_id=RequestId(request_id),
            revision=1_000_000,
            amended_at=now,
            effective_at=now,
            change=Stopped(Outcome.WITHDRAWN),
        )
        forged = encode(
            amendment_to_wire(amendment),
            topic=OBLIGATIONS.name,
            key=stranger,
            event_id=a_new_id(),
            source="dsr-fanout",
            at=now,
        )
        send(loop, forged)
        await prometheus.fires("DsrAmendmentUnfit")


async def test_a_counter_that_was_changed_by_hand(loop: Loop, prometheus: Prometheus) -> None:
    counted = "select open_count from verifier.requests where request_id::text = $1"
    count = "update verifier.requests set open_count = $2 where request_id::text = $1"
    async with away(loop, AWAY):
        [person] = known_to(loop, 1, OTHER, AWAY)
        async with away(loop, OTHER):
            request_id = await loop.submit(person)

            async def are_two() -> bool:
                return await loop.missing(request_id) == {OTHER, AWAY}

            await eventually(are_two, within=60)
            [before] = await loop.query(counted, request_id)
            await loop.query(count, request_id, 1)
        await prometheus.fires("DsrCounterFault")
        await loop.query(count, request_id, before["open_count"] - 1)
    await loop.answered(request_id)


async def test_a_log_that_has_no_turn(loop: Loop, prometheus: Prometheus) -> None:
    holder = await asyncpg.connect(loop.stack.postgres_dsn())
    try:
        await holder.execute(SEQUENCER)
        request_id = await loop.submit()
        await prometheus.fires("DsrLogStuck")
    finally:
        await holder.close()
    await loop.answered(request_id)
    await prometheus.is_over("DsrLogStuck")


async def test_a_database_that_was_put_back_to_an_earlier_time(
    loop: Loop, prometheus: Prometheus
) -> None:
    services = ("intake", "verifier")
    async with without(loop, *services):
        await in_the_database(loop, f'create database "earlier" template "{DATABASE}"')
    await loop.answered(await loop.submit())
    async with without(loop, "intake"):
        async with without(loop, "verifier"):
            await replaced(loop, by="earlier", kept_as="newer")
        try:
            await prometheus.fires("DsrLogForked", difference="shorter")
        finally:
            async with without(loop, "verifier"):
                await replaced(loop, by="newer", kept_as="earlier")
    await prometheus.is_over("DsrLogForked", difference="shorter")
    await loop.answered(await loop.submit())


async def in_the_database(loop: Loop, *commands: str) -> None:
    """Do as the super user what can be done from another database alone."""
    connection = await asyncpg.connect(loop.stack.postgres_dsn("postgres"))
    try:
        for one in commands:
            await connection.execute(one)
    finally:
        await connection.close()


async def replaced(loop: Loop, *, by: str, kept_as: str) -> None:
    """Have another database take the place of the services' own."""
    await in_the_database(
        loop,
        f'alter database "{DATABASE}" rename to "{kept_as}"',
        f'alter database "{by}" rename to "{DATABASE}"',
    )
    await asyncio.to_thread(create_roles, loop.stack, DATABASE)


async def test_a_key_encryption_key_that_was_taken_away(loop: Loop, prometheus: Prometheus) -> None:
    file = loop.stack.secrets.key_file("key-encryption-key")
    kept = file.read_text()
    async with one_missing(loop):
        file.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        try:
            await prometheus.fires("DsrKeysUnknown")
        finally:
            file.write_text(kept)
        await prometheus.is_over("DsrKeysUnknown")


async def test_a_request_whose_key_was_destroyed_too_soon(
    loop: Loop, prometheus: Prometheus
) -> None:
    async with without(loop, "fanout"):
        request_id = await loop.submit()
        [key] = await loop.query(
            "delete from intake_keys.request_keys where request_id::text = $1 returning *",
            request_id,
        )
    await prometheus.fires("DsrKeysMissing")
    columns, places = ", ".join(key.keys()), ", ".join(f"${n + 1}" for n in range(len(key)))
    await loop.query(
        f"insert into intake_keys.request_keys ({columns}) values ({places})", *key.values()
    )
    await loop.answered(request_id)
