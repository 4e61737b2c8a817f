"""A system that is asked, long after an erasure, only to look: whatever comes, it erases what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
from unit.sdk.running import a_subscriber

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.ids import RequestId
from dsr_core.rights import Disposition
from dsr_sdk import Absent, Answer, DeletionRequest, Erased, Failed, Present
from dsr_sdk.testing import SubscriberHarness
from dsr_sdk.testing.notices import new_request_id

PERSON = {"email": "a@example.com"}
CLOSED_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

Event = Literal["first", "reminder", "again", "time", "stop", "suspend"]
Found = Literal["there", "gone", "away"]
Done = Literal["erased", "failed", "away"]

events = st.lists(
    st.sampled_from(["first", "reminder", "again", "time", "stop", "suspend"]), max_size=12
)
looks = st.lists(st.sampled_from(["there", "gone", "away"]), max_size=12)
deeds = st.lists(st.sampled_from(["erased", "failed", "away"]), max_size=12)


class World:
    """One system, its one request, and what it said."""

    def __init__(self, looks: Sequence[Found], deeds: Sequence[Done]) -> None:
        self.looks, self.deeds = list(looks), list(deeds)
        self.told: list[Acknowledgement] = []
        self.is_over = False
        subscriber = a_subscriber()
        subscriber.deletion(self.erase)
        subscriber.look_again(after=timedelta(hours=1))(self.look)
        self.harness = SubscriberHarness(subscriber)
        self.request_id: RequestId = new_request_id()
        self.reminders = self.revision = 0

    async def erase(self, request: DeletionRequest) -> Answer:
        assert request.held_before == CLOSED_AT
        assert self.told[-1].disposition is Disposition.PRESENT, "it erases only what it found"
        match self.deeds.pop(0) if self.deeds else "erased":
            case "erased":
                return Erased(1)
            case "failed":
                return Failed("busy")
            case _:
                raise OSError("away")

    async def look(self, request: DeletionRequest) -> Answer:
        assert request.held_before == CLOSED_AT
        match self.looks.pop(0) if self.looks else "gone":
            case "there":
                return Present(1)
            case "gone":
                return Absent()
            case _:
                raise OSError("away")

    async def happens(self, event: Event) -> None:
        match event:
            case "first" | "reminder":
                self.reminders += event == "reminder"
                answers = await self.harness.deliver(
                    requests={self.request_id: PERSON},
                    held_before=CLOSED_AT,
                    reminder=self.reminders if event == "reminder" else 0,
                    revision=self.revision,
                )
            case "again":
                answers = await self.harness.redeliver()
            case "time":
                answers = await self.harness.advance(timedelta(hours=3))
            case "stop":
                self.revision += 1
                answers = await self.harness.stop(self.request_id, revision=self.revision)
            case "suspend":
                self.revision += 1
                answers = await self.harness.suspend(self.request_id, revision=self.revision)
                self.revision += 1
        known = {one.sequence: one for one in self.told}
        for one in answers:
            if one.sequence in known:
                assert known[one.sequence] == one, "an answer once given is replayed as it was"
            else:
                self.told.append(one)


async def _run(events: Sequence[Event], looks: Sequence[Found], deeds: Sequence[Done]) -> None:
    world = World(looks, deeds)
    await world.happens("first")
    for event in events:
        await world.happens(event)
    assert [one.sequence for one in world.told] == list(range(1, len(world.told) + 1))


@given(events=events, looks=looks, deeds=deeds)
def test_nothing_is_erased_but_what_a_look_has_just_found(
    events: list[Event], looks: list[Found], deeds: list[Done]
) -> None:
    asyncio.run(_run(events, looks, deeds))


@given(looks=looks, deeds=deeds)
def test_in_the_end_it_is_gone_whatever_was_in_the_way(
    looks: list[Found], deeds: list[Done]
) -> None:
    async def run() -> None:
        world = World(looks, deeds)
        await world.happens("first")
        for _ in range(3 * (len(looks) + len(deeds)) + 3):
            await world.happens("reminder")
            await world.happens("time")
        assert world.told[-1].disposition is Disposition.ABSENT

    asyncio.run(run())
