"""Rotation of the lookup key: what systems found out for the open is compared after it as before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from integration.intake.links_test import a_link, asked, found, link_key, outcomes, tell

from dsr_cli.stack import Stack
from dsr_runtime.kafka import KafkaConnection, Publisher
from support.builders import MARKER
from support.intake import Intake, running_intake
from support.intake_group import NEW, OLD, lines
from support.parts import fresh_database


@pytest.fixture
async def publisher(kafka: KafkaConnection) -> AsyncIterator[Publisher]:
    one = Publisher(kafka, client_id="tests")
    await one.start()
    yield one
    await one.stop()


async def test_an_account_that_was_found_before_a_rotation_is_known_once_the_former_key_is_gone(
    stack: Stack, kafka: KafkaConnection, publisher: Publisher, tmp_path: Path
) -> None:
    lookup = tmp_path / "rotated"
    with fresh_database(stack) as dsn:

        def running(*keys: bytes) -> AbstractAsyncContextManager[Intake]:
            lookup.write_text(lines(*keys))
            return running_intake(
                kafka, dsn, "http://127.0.0.1:9", tmp_path, lookup_key_file=lookup
            )

        async with running(OLD) as intake:
            assert await outcome(intake, stack, publisher, 1) == ("used", "undisputed")
        async with running(NEW, OLD) as intake:
            body = {"limit": 100, "reason": "a test"}
            path = "/internal/v1/keys:rehash"
            done = await intake.http.post(path, headers=intake.officer, json=body)
            assert done.status_code == httpx.codes.OK, done.text
        async with running(NEW) as intake:
            assert await outcome(intake, stack, publisher, 2) == ("conflict", "another_person")


async def outcome(
    intake: Intake, stack: Stack, publisher: Publisher, number: int
) -> tuple[str, ...]:
    """What becomes of one account that is found for another person each time."""
    person = [{"kind": "email", "value": f"{MARKER}-rotated-{number}@example.com"}]
    one = await asked(intake, number, identity=person)
    key = await link_key(intake, stack, one)
    await tell(publisher, [found(one, key, a_link(f"A-{MARKER}-rotated"))])
    [(_, *verdict)] = await outcomes(intake, one)
    return tuple(verdict)
