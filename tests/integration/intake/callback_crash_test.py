"""Intake as a process of its own while it sends a package to a callback: killed, and watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pyrage
import pytest
from integration.intake.called import DONE, FILM, Called, callback_settings
from integration.intake.packages_test import BASE, ORDERS

from dsr_core.registry import Registry
from dsr_intake.model.hand_overs import PART_BYTES
from dsr_runtime.kafka import KafkaConnection, Publisher
from support.callback import Heard, callback, certificates
from support.exports import Handed, unzipped
from support.intake import Intake, VerifierDouble, an_officer, environment_of, intake_fields
from support.memory import Watch
from support.services import ServiceProcess
from support.submissions import a_submission
from support.waiting import eventually

LONG_FILM = Handed("film.mp4", bytes(16 * PART_BYTES), "video/mp4")

GROWTH_LIMIT = 48 * 1024 * 1024
"""What the process may grow by while it sends 128 MiB: a few parts, so that whoever keeps them is found out."""


@dataclass
class Sender:
    """An intake that can be killed, and a request whose package it sends."""

    process: ServiceProcess
    called: Called
    another: ServiceProcess
    """Of the same settings; not started."""


@pytest.fixture
async def sender(
    kafka: KafkaConnection, database: str, verifier: VerifierDouble, tmp_path: Path
) -> AsyncIterator[Sender]:
    fields = intake_fields(kafka, database, verifier.url, tmp_path) | callback_settings(tmp_path)
    settings = environment_of(fields | {"webhook_allowed_networks": '["127.0.0.0/8"]'})
    first, another = (
        ServiceProcess("dsr_intake", settings, tmp_path / f"intake-{n}.log") for n in range(2)
    )
    pool = await asyncpg.create_pool(database, min_size=1, max_size=2)
    async with (
        callback(certificates(tmp_path)[0]) as one,
        first,
        httpx.AsyncClient(base_url=first.url, timeout=30) as http,
    ):
        officer = await an_officer(database)
        intake = Intake(first.url, http, pool, officer)
        called = Called(intake, tmp_path, verifier)
        called.callback, called.header = one, await intake.client()
        http.headers["authorization"] = called.header["authorization"]
        await called.allow()
        await called.set_webhook()
        yield Sender(first, called, another)
        await another.aclose()
    await pool.close()


async def test_killed_in_the_middle_another_goes_on_at_the_first_part_that_is_not_confirmed(
    sender: Sender, registry: Registry, publisher: Publisher
) -> None:
    called = sender.called

    async def kill(part: Heard) -> None:
        if part.start == PART_BYTES:
            called.callback.before_it_answers = None
            await sender.process.kill()

    called.callback.before_it_answers = kill
    await called.submit(registry, hand_over="callback")
    await called.package_is_made(publisher, FILM)
    await eventually(lambda: len(called.callback.of(called.id)) >= 2, within=60)
    await sender.another.begin()
    await called.told(DONE)
    parts = called.callback.of(called.id)
    assert [one.start for one in parts] == [0, PART_BYTES, PART_BYTES, 2 * PART_BYTES]
    assert (parts[1].message_id, parts[1].body) == (parts[2].message_id, parts[2].body)
    assert f"data/{called.systems[0]}/film.mp4" in unzipped(called.opened())
    logs = [one.log.read_text() for one in (sender.process, sender.another)]
    assert all(called.callback.url not in one for one in logs)


async def test_parts_are_sent_at_constant_memory_and_messages_do_not_wait_for_them(
    sender: Sender, registry: Registry, publisher: Publisher
) -> None:
    called, may_answer = sender.called, asyncio.Event()

    async def wait(_: Heard) -> None:
        await may_answer.wait()

    called.callback.before_it_answers = wait
    await called.submit(registry, hand_over="callback")
    await called.package_is_made(publisher, LONG_FILM)
    await called.way("sending")
    answer = await called.intake.http.post(BASE, json=a_submission(7))

    async def is_told() -> bool:
        return bool(called.callback.said(answer.json()["id"], "subject_request.state_changed"))

    await eventually(is_told, within=30, what="another request is told of while a part waits")
    assert called.callback.of(called.id) == []
    async with Watch(sender.process.pid) as watch:
        may_answer.set()
        await called.told(DONE)
    assert watch.growth < GROWTH_LIMIT
    assert len(called.callback.of(called.id)) > 16
    assert pyrage.decrypt(called.callback.files(called.id).popitem()[1], [called.identity])


async def test_the_small_one_of_another_client_does_not_wait_for_a_callback_that_hangs(
    sender: Sender, registry: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    called, intake = sender.called, sender.called.intake

    async def hang(_: Heard) -> None:
        await asyncio.Event().wait()

    called.callback.before_it_answers = hang
    for number in (1, 2, 3):  # more than are sent at once
        await called.submit(registry, number=number, hand_over="callback")
        await called.package_is_made(publisher, ORDERS)
    async with callback(certificates(tmp_path)[0]) as hook:
        other = Called(intake, tmp_path, called.verifier)
        other.callback, other.header = hook, await intake.client()
        intake.http.headers["authorization"] = other.header["authorization"]
        await other.allow()
        await other.set_webhook()
        await other.submit(registry, number=4, hand_over="callback")
        await other.package_is_made(publisher, ORDERS)
        await other.told(DONE)
        assert called.callback.of(called.id) == []
