"""What was confirmed so long ago that no notice of it can come any more is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from unit.sdk.running import KEYS, World, a_subscriber

from dsr_core.rights import Right
from dsr_sdk import ConfigurationError, Erased, Outcome, OutcomeState, Subscriber
from dsr_sdk.obligations import ObligationKey
from dsr_sdk.testing import MemoryOutcomeStore, SubscriberHarness, a_notice
from dsr_sdk.testing.notices import new_request_id
from dsr_wire.topics import NOTICE_LIFE, NOTICE_RIGHTS, dead_letter, notice_topic
from support.waiting import eventually

PERSON = {"email": "a@example.com"}


def an_outcome(days: float, state: OutcomeState = OutcomeState.CONFIRMED) -> Outcome:
    return Outcome(
        key=ObligationKey(new_request_id(), Right.DELETION),
        notice_id="notice-1",
        state=state,
        sequence=1,
        recorded_at=datetime.now(UTC) - timedelta(days=days),
    )


def an_erasing_subscriber(
    outcomes: MemoryOutcomeStore, retention: timedelta = timedelta(days=180)
) -> Subscriber:
    subscriber = a_subscriber(outcomes, retention=retention)
    subscriber.deletion(lambda _request: Erased(1))
    return subscriber


async def test_a_long_confirmed_outcome_is_forgotten_and_the_others_stay() -> None:
    outcomes, world = MemoryOutcomeStore(), World()
    kept = [an_outcome(179), an_outcome(500, OutcomeState.ASKED)]
    await outcomes.save([an_outcome(181), *kept])
    async with world.serving(an_erasing_subscriber(outcomes)):
        await eventually(lambda: len(outcomes.outcomes) == 2)
        world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
        await world.commits(1)
    assert {one.key for one in kept} < set(outcomes.outcomes)
    assert len(outcomes.outcomes) == 3


async def test_many_are_forgotten_in_steps_without_waiting_for_notices() -> None:
    class Counting(MemoryOutcomeStore):
        def __init__(self) -> None:
            super().__init__()
            self.steps: list[int] = []

        async def forget(self, before: datetime, limit: int) -> int:
            self.steps.append(await super().forget(before, limit))
            return self.steps[-1]

    outcomes, world = Counting(), World()
    await outcomes.save([an_outcome(400) for _ in range(4_100)])
    async with world.serving(an_erasing_subscriber(outcomes)):
        await eventually(lambda: not outcomes.outcomes)
        world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
        await world.commits(1)
    assert outcomes.steps == [2_000, 2_000, 100]


async def test_a_store_that_is_away_while_it_forgets_is_waited_for() -> None:
    outcomes, world = MemoryOutcomeStore(), World()
    await outcomes.save([an_outcome(400)])
    outcomes.is_away = True
    async with world.serving(an_erasing_subscriber(outcomes)):
        outcomes.is_away = False
        await eventually(lambda: not outcomes.outcomes)


async def test_a_confirmation_that_a_reminder_repeated_is_kept_from_then_on() -> None:
    subscriber = a_subscriber()
    subscriber.deletion(lambda _request: Erased(1))
    harness = SubscriberHarness(subscriber)
    (erased,) = await harness.deliver(PERSON)
    (stored,) = harness.outcomes.outcomes.values()
    assert stored.recorded_at == harness.now == erased.answered_at
    harness.now += timedelta(days=30)
    await harness.deliver(requests={erased.request_id: PERSON}, reminder=1)
    (stored,) = harness.outcomes.outcomes.values()
    assert stored.recorded_at == harness.now


@pytest.mark.parametrize("right", NOTICE_RIGHTS)
def test_a_notice_lives_as_long_as_its_topic_and_its_dead_letter_keep_it(right: Right) -> None:
    topic = notice_topic(right, "acme")
    letters = dead_letter(topic)
    assert topic.retention is not None
    assert letters.retention is not None
    assert topic.retention + letters.retention == NOTICE_LIFE


def test_a_retention_in_which_a_notice_may_still_come_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="retention must be longer than 120 days"):
        an_erasing_subscriber(MemoryOutcomeStore(), NOTICE_LIFE)
    an_erasing_subscriber(MemoryOutcomeStore(), NOTICE_LIFE + timedelta(days=1))
