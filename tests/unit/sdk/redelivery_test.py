"""What crashes, redelivery and reminders do. Named for the faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from unit.sdk.running import KEYS, World, a_subscriber

from dsr_core.acknowledgements import standing
from dsr_core.errors import Unavailable
from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    Answer,
    DeletionRequest,
    Erased,
    Failed,
    InProgress,
    NotFound,
    Outcome,
    OutcomeState,
    SqliteOutcomeStore,
)
from dsr_sdk.obligations import ObligationKey
from dsr_sdk.testing import MemoryOutcomeStore, SubscriberHarness, a_notice
from dsr_sdk.testing.notices import new_request_id
from support.waiting import eventually

PERSON = {"email": "a@example.com"}


class CrashBeforeSaving(MemoryOutcomeStore):
    """Goes away between the handler's effect and its outcome."""

    crashes = 1

    async def save(self, outcomes: Sequence[Outcome]) -> None:
        if self.crashes:
            self.crashes -= 1
            raise Unavailable("crashed")
        await super().save(outcomes)


async def test_redelivery_replays_the_outcome_without_asking_the_handler() -> None:
    subscriber, asked = a_subscriber(), []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        asked.append(request)
        return Erased(3)

    harness = SubscriberHarness(subscriber)
    first = await harness.deliver(PERSON)
    harness.now += timedelta(hours=1)
    assert await harness.redeliver() == first
    assert [one.sequence for one in first] == [1]
    assert len(asked) == 1


async def test_a_replayed_answer_has_the_same_bytes() -> None:
    subscriber, world = a_subscriber(), World()
    notice = a_notice({new_request_id(): PERSON}, to=[KEYS.public])

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        return Erased(3)

    world.send(notice, notice)
    async with world.serving(subscriber):
        await world.commits(2)
        world.send(notice)
        await world.commits(3)
    first, second = world.answer_leaves
    assert first == second


async def test_crash_between_effect_and_outcome_says_may_be_repeat() -> None:
    subscriber, repeats, world = a_subscriber(CrashBeforeSaving()), [], World()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        repeats.append(request.may_be_repeat)
        return Erased()

    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        await world.commits(1)
    assert repeats == [False, True]
    assert [one.sequence for one in world.answers] == [1]


async def test_crash_between_outcome_and_acknowledgement_loses_no_answer() -> None:
    outcomes, world, asked = MemoryOutcomeStore(), World(), []
    subscriber = a_subscriber(outcomes)

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        asked.append(request)
        world.broker.is_away = True
        return Erased(2)

    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        await eventually(
            lambda: OutcomeState.CONFIRMED in {one.state for one in outcomes.outcomes.values()}
        )
        assert world.committed == 0
        world.broker.is_away = False
        await world.commits(1)
    assert len(asked) == 1
    assert [one.records for one in world.answers] == [2]


async def test_a_killed_subscribers_successor_is_told_of_the_repeat(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.sqlite"
    notice_id, request_id = "notice-1", new_request_id()
    dead = SqliteOutcomeStore(file)
    await dead.open()
    await dead.begin([(ObligationKey(request_id, Right.DELETION), notice_id)])
    await dead.close()
    subscriber, world = a_subscriber(SqliteOutcomeStore(file)), World()

    @subscriber.deletion
    def erase(request: DeletionRequest) -> Answer:
        return Erased() if request.may_be_repeat else NotFound()

    world.send(a_notice({request_id: PERSON}, to=[KEYS.public], notice_id=notice_id))
    async with world.serving(subscriber):
        await world.commits(1)
    assert [one.disposition for one in world.answers] == [Disposition.ERASED]


async def test_a_reminder_asks_again_and_counts_on() -> None:
    subscriber, reminders = a_subscriber(), []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        reminders.append((request.reminder, request.attempt))
        return Erased() if request.reminder else Failed("the archive is offline")

    harness = SubscriberHarness(subscriber)
    (failed,) = await harness.deliver(PERSON)
    assert await harness.redeliver() == (failed,)
    (erased,) = await harness.deliver(requests={failed.request_id: PERSON}, reminder=1)
    assert (failed.sequence, erased.sequence) == (1, 2)
    assert erased.disposition is Disposition.ERASED
    assert reminders == [(0, 1), (1, 2)]
    assert len(reminders) == 2


async def test_a_confirmation_that_contradicts_one_before_the_store_was_lost_is_not_replayed_for_ever() -> (
    None
):
    subscriber, asked, request_id = a_subscriber(), [], new_request_id()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        asked.append(request)
        return Erased(1) if request.reminder else Failed("the archive is offline")

    (failed,) = await SubscriberHarness(subscriber).deliver(requests={request_id: PERSON})
    harness = SubscriberHarness(subscriber)  # as if the file were gone: it counts from 1 again
    (erased,) = await harness.deliver(requests={request_id: PERSON}, reminder=1)
    assert (failed.sequence, erased.sequence) == (1, 1)
    assert not standing([failed, erased]).is_confirmed
    (again,) = await harness.deliver(requests={request_id: PERSON}, reminder=2)
    assert again == replace(erased, sequence=2)
    assert standing([failed, erased, again]).is_confirmed
    assert await harness.redeliver() == (again,)
    assert len(asked) == 2


async def test_a_repeated_confirmation_is_stored_before_it_is_sent() -> None:
    world, request_id = World(), new_request_id()

    class BrokerGoesOnSaving(MemoryOutcomeStore):
        async def save(self, outcomes: Sequence[Outcome]) -> None:
            await super().save(outcomes)
            world.broker.is_away = any(one.sequence == 2 for one in outcomes)

    outcomes = BrokerGoesOnSaving()
    subscriber = a_subscriber(outcomes)

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        return Erased(2)

    world.send(a_notice({request_id: PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        await world.commits(1)
        world.send(a_notice({request_id: PERSON}, to=[KEYS.public], reminder=1))
        await eventually(lambda: [one.sequence for one in outcomes.outcomes.values()] == [2])
        assert world.committed == 1
        world.broker.is_away = False
        await world.commits(2)
    assert [one.sequence for one in world.answers] == [1, 2]


async def test_a_reminder_beside_its_notice_asks_once() -> None:
    subscriber, world, asked = a_subscriber(), World(), []
    request_id = new_request_id()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        asked.append(request.reminder)
        return Erased()

    world.send(
        a_notice({request_id: PERSON}, to=[KEYS.public]),
        a_notice({request_id: PERSON}, to=[KEYS.public], reminder=1),
    )
    async with world.serving(subscriber):
        await world.commits(2)
    assert asked == [1]


async def test_after_an_exception_the_next_asking_may_be_a_repeat() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        if not request.may_be_repeat:
            raise ConnectionError(request.identity.first("email"))
        return Erased()

    harness = SubscriberHarness(subscriber)
    (failed,) = await harness.deliver(PERSON)
    (erased,) = await harness.deliver(requests={failed.request_id: PERSON}, reminder=1)
    assert erased.disposition is Disposition.ERASED


async def test_an_answer_in_progress_is_replayed_and_not_asked_again() -> None:
    subscriber, asked = a_subscriber(), []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        asked.append(request)
        return InProgress("a ticket is open")

    harness = SubscriberHarness(subscriber)
    first = await harness.deliver(PERSON)
    assert await harness.redeliver() == first
    assert len(asked) == 1


async def test_a_reminder_after_in_progress_says_may_be_repeat() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        if request.may_be_repeat:
            return Erased()
        return NotFound() if request.reminder else InProgress("the job runs")

    harness = SubscriberHarness(subscriber)
    (begun,) = await harness.deliver(PERSON)
    (erased,) = await harness.deliver(requests={begun.request_id: PERSON}, reminder=1)
    assert erased.disposition is Disposition.ERASED


async def test_an_outcome_store_that_is_away_is_waited_for() -> None:
    outcomes, world = MemoryOutcomeStore(), World()
    outcomes.is_away = True
    subscriber = a_subscriber(outcomes)

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        outcomes.is_away = False
        return Erased()

    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        assert world.committed == 0
        outcomes.is_away = False
        await world.commits(1)
