"""Subscribers on a broker in memory, for the SDK's unit tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.rights import Right
from dsr_sdk import OutcomeStore, Subscriber, SystemKeyPair
from dsr_sdk.testing import (
    FakeBroker,
    FakeBus,
    MemoryOutcomeStore,
    a_notice_record,
    acknowledgements_in,
)
from dsr_wire.codec.notices import Notice
from dsr_wire.topics import ACKNOWLEDGEMENTS, dead_letter_name, notice_topic
from support.waiting import eventually

KEYS = SystemKeyPair.generate("billing")
ORGANISATION = "acme"
GROUP = "dsr.organisation.acme.billing"
TOPIC = notice_topic(Right.DELETION, ORGANISATION).name


def a_subscriber(outcomes: OutcomeStore | None = None, **settings: Any) -> Subscriber:
    return Subscriber(
        system_id=KEYS.system_id,
        organisation_id=ORGANISATION,
        keys=settings.pop("keys", KEYS),
        outcomes=outcomes or MemoryOutcomeStore(),
        **settings,
    )


@dataclass
class World:
    """One broker, and what was put on it and found on it."""

    broker: FakeBroker = field(default_factory=FakeBroker)

    def send(self, *notices: Notice) -> None:
        for notice in notices:
            self.broker.append(a_notice_record(notice))

    @property
    def answers(self) -> tuple[Acknowledgement, ...]:
        return acknowledgements_in(self.broker.records(ACKNOWLEDGEMENTS.name), KEYS.public)

    @property
    def answer_leaves(self) -> list[bytes | None]:
        return [one.value for one in self.broker.records(ACKNOWLEDGEMENTS.name)]

    @property
    def dead_letters(self) -> list[dict[str, bytes]]:
        return [dict(one.headers) for one in self.broker.records(dead_letter_name(TOPIC))]

    @property
    def committed(self) -> int:
        return self.broker.committed(GROUP, TOPIC)

    async def commits(self, count: int) -> None:
        await eventually(lambda: self.committed >= count, what=f"the commit of {count} records")

    @asynccontextmanager
    async def serving(self, subscriber: Subscriber) -> AsyncIterator[asyncio.Task[None]]:
        serving = asyncio.create_task(subscriber.serve(FakeBus(self.broker)))
        try:
            yield serving
        finally:
            await subscriber.stop()
            await serving
