"""An organisation that floods: its own quota holds it, and the answers of others go on being taken."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from aiokafka import AIOKafkaProducer
from integration.verifier.group import Group, a_request_id
from integration.verifier.processes import Verifier, closures_of

from dsr_cli.group.access_plan import ORGANISATION_QUOTA, organisation_quota
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.quotas import set_quotas
from dsr_cli.stack import Stack
from dsr_cli.stack.access import secret_name
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.topics import (
    ACKNOWLEDGEMENTS,
    dead_letter,
    notice_topic,
    organisation_principal,
)
from support.waiting import eventually

QUOTA = 64 * 1024
"""Bytes a second."""

WINDOW_S = 11
"""Kafka counts over eleven seconds, so that a quiet login may send that much at once."""

ROUNDS = 30


@dataclass
class Flooder:
    """An organisation that sends rubbish as fast as it is let, and counts what was taken."""

    stack: Stack
    connection: KafkaConnection
    organisation_id: str
    taken: int = 0

    async def limited(self, sends: float) -> None:
        """Set its quota."""
        quota = organisation_quota(sends=sends, fetches=ORGANISATION_QUOTA["consumer_byte_rate"])
        changes = {self.connection.username: quota}
        await asyncio.to_thread(set_quotas, kafka_admin(self.stack), changes)

    @asynccontextmanager
    async def flooding(self, topic: str) -> AsyncIterator[None]:
        """Send to a topic until left."""
        rubbish = os.urandom(1000)
        async with AIOKafkaProducer(**self.connection.arguments(), linger_ms=5) as producer:

            async def flood() -> None:
                while True:
                    sent = [
                        await producer.send(topic, rubbish, key=os.urandom(8)) for _ in range(64)
                    ]
                    for one in asyncio.as_completed(sent):
                        await one
                        self.taken += len(rubbish)

            flood_task = asyncio.create_task(flood())
            try:
                yield
                assert not flood_task.done(), "it floods no more"
            finally:
                flood_task.cancel()
                await asyncio.wait([flood_task])


@pytest.fixture
def flooder(stack: Stack, kafka: KafkaConnection, group: Group, registry: Registry) -> Flooder:
    answering = {one.organisation_id for one in group.systems}
    organisation_id = min({one.organisation_id for one in registry.systems} - answering)
    principal = organisation_principal(organisation_id)
    password = stack.secrets.secret(secret_name(principal))
    return Flooder(stack, replace(kafka, username=principal, password=password), organisation_id)


async def test_a_flooding_organisation_does_not_stop_the_answers_of_others(
    kafka: KafkaConnection,
    publisher: Publisher,
    group: Group,
    verifier: Verifier,
    flooder: Flooder,
) -> None:
    try:
        await flooder.limited(1e9)
        own = dead_letter(notice_topic(Right.DELETION, flooder.organisation_id)).name
        async with flooder.flooding(own):
            much = 2 * QUOTA * WINDOW_S
            await eventually(lambda: flooder.taken > much, within=60, what="a flood")

        await flooder.limited(QUOTA)
        flooder.taken = 0
        async with verifier, closures_of(kafka) as closures:
            began = time.monotonic()
            async with flooder.flooding(ACKNOWLEDGEMENTS.name):
                # What it sent unlimited counts against it first.
                await eventually(
                    lambda: flooder.taken > QUOTA, within=60, what="the flood has begun"
                )
                for _ in range(ROUNDS):
                    request_id = a_request_id()
                    await publisher.publish([group.opened(request_id), *group.answers(request_id)])

                    async def is_closed(wanted: str = request_id) -> bool:
                        return wanted in {one.request_id for one in await closures.closures()}

                    await eventually(is_closed, within=10, what="a closure amid the flood")
            took = time.monotonic() - began
            assert flooder.taken <= QUOTA * (took + WINDOW_S) * 1.5
            await verifier.stop()
    finally:
        await flooder.limited(ORGANISATION_QUOTA["producer_byte_rate"])
