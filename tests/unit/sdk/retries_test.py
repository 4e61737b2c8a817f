"""Answers that do not confirm yet: retries, work in progress, and answers that come later."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.sdk.running import KEYS, World, a_subscriber

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    Answer,
    DeletionRequest,
    Delivered,
    Erased,
    Failed,
    InProgress,
    NotFound,
    SqliteOutcomeStore,
    Subscriber,
)
from dsr_sdk.obligations import ObligationKey
from dsr_sdk.testing import FakeBroker, MemoryOutcomeStore, SubscriberHarness, a_notice
from dsr_sdk.testing.notices import new_request_id
from support.waiting import eventually

PERSON = {"email": "a@example.com"}
SECOND = timedelta(seconds=1)


def soon(seconds: float = 0.25) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def fails_twice(subscriber: Subscriber) -> list[int]:
    attempts: list[int] = []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        attempts.append(request.attempt)
        return Erased(7) if len(attempts) > 2 else Failed("locked", retry_at=soon())

    return attempts


async def test_fails_twice_then_succeeds() -> None:
    subscriber, world = a_subscriber(), World()
    attempts = fails_twice(subscriber)
    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        await eventually(lambda: len(world.answers) == 3)
    by_sequence = sorted(world.answers, key=lambda one: one.sequence)
    assert [one.disposition.value for one in by_sequence] == ["failed", "failed", "erased"]
    assert [one.sequence for one in by_sequence] == attempts == [1, 2, 3]
    assert by_sequence[0].retry_at is not None
    assert by_sequence[2].records == 7


async def test_a_retry_survives_a_restart_and_leaves_no_ciphertext(tmp_path: Path) -> None:
    file, world, request_id = tmp_path / "outcomes.sqlite", World(), new_request_id()
    first = a_subscriber(SqliteOutcomeStore(file))

    @first.deletion
    async def refuse(_request: DeletionRequest) -> Answer:
        return Failed("locked", retry_at=soon(0.5))

    world.send(a_notice({request_id: PERSON}, to=[KEYS.public]))
    async with world.serving(first):
        await world.commits(1)
    second = a_subscriber(SqliteOutcomeStore(file))

    @second.deletion
    async def erase(request: DeletionRequest) -> Answer:
        return Erased(len(request.identity.values("email")))

    async with world.serving(second):
        await eventually(lambda: len(world.answers) == 2)
    assert {(one.sequence, one.disposition.value) for one in world.answers} == {
        (1, "failed"),
        (2, "erased"),
    }
    store = SqliteOutcomeStore(file)
    await store.open()
    key = ObligationKey(request_id, Right.DELETION)
    assert (await store.find([key]))[key].sealed_obligation == b""
    await store.close()


async def test_a_retry_that_crashed_is_taken_up_and_may_be_a_repeat() -> None:
    subscriber, repeats = a_subscriber(), []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        repeats.append(request.may_be_repeat)
        return Erased() if request.may_be_repeat else Failed("no", retry_at=harness.now + SECOND)

    harness = SubscriberHarness(subscriber)
    (failed,) = await harness.deliver(PERSON)
    await harness.outcomes.begin([(ObligationKey(failed.request_id, Right.DELETION), "notice")])
    (erased,) = await harness.advance(SECOND)
    assert erased.disposition is Disposition.ERASED
    assert repeats == [False, True]


async def test_failed_without_a_time_is_not_retried() -> None:
    subscriber, asked = a_subscriber(), []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        asked.append(request)
        return Failed("a person must look at it")

    harness = SubscriberHarness(subscriber)
    await harness.deliver(PERSON)
    assert await harness.advance(timedelta(days=30)) == ()
    assert len(asked) == 1


async def test_a_retry_for_the_past_does_not_spin() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        return Failed("again", retry_at=harness.now - SECOND)

    harness = SubscriberHarness(subscriber)
    await harness.deliver(PERSON)
    assert len(await harness.advance(timedelta(0))) == 0
    assert len(await harness.advance(SECOND)) == 1


async def test_a_confirmed_obligation_has_no_retry_left() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        return Erased() if request.reminder else Failed("no", retry_at=harness.now + SECOND)

    harness = SubscriberHarness(subscriber)
    (failed,) = await harness.deliver(PERSON)
    await harness.deliver(requests={failed.request_id: PERSON}, reminder=1)
    assert await harness.advance(timedelta(days=1)) == ()


async def test_a_retry_without_its_handler_is_answered() -> None:
    outcomes, world = MemoryOutcomeStore(), World()
    subscriber = a_subscriber(outcomes)

    @subscriber.access
    def show(_request: object) -> Answer:
        return Failed("later", retry_at=soon())

    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public], right=Right.ACCESS))
    async with world.serving(subscriber):
        await eventually(lambda: world.answers)
    successor = a_subscriber(outcomes)
    successor.deletion(lambda _request: Erased())
    async with world.serving(successor):
        await eventually(lambda: len(world.answers) == 2)
    assert {one.disposition for one in world.answers} == {Disposition.FAILED}


async def test_in_progress_is_sent_at_once_while_the_handler_goes_on() -> None:
    subscriber, world, go_on = a_subscriber(), World(), asyncio.Event()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        await request.in_progress("the archive is being searched", soon(60))
        await go_on.wait()
        return Erased(9)

    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        await eventually(lambda: world.answers)
        assert [one.disposition for one in world.answers] == [Disposition.IN_PROGRESS]
        assert world.committed == 0
        go_on.set()
        await world.commits(1)
    answers = sorted(world.answers, key=lambda one: one.sequence)
    assert [(one.sequence, one.disposition.value) for one in answers] == [
        (1, "in_progress"),
        (2, "erased"),
    ]


async def test_a_crash_after_in_progress_asks_again_as_a_repeat() -> None:
    subscriber, repeats = a_subscriber(), []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        repeats.append(request.may_be_repeat)
        await request.in_progress("working")
        if not request.may_be_repeat:
            crashing.cancel()
            await asyncio.Event().wait()
        return Erased()

    harness = SubscriberHarness(subscriber)
    crashing = asyncio.create_task(harness.deliver(PERSON))
    with pytest.raises(asyncio.CancelledError):
        await crashing
    answers = await harness.redeliver()
    assert repeats == [False, True]
    assert answers[-1].disposition is Disposition.ERASED
    assert answers[-1].sequence == 3


async def test_an_answer_that_comes_later_is_sent() -> None:
    subscriber, world = a_subscriber(), World()

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        return InProgress("a ticket is open")

    request_id = new_request_id()
    world.send(a_notice({request_id: PERSON}, to=[KEYS.public]))
    with pytest.raises(Unavailable, match="not running"):
        await subscriber.answer(request_id, Right.DELETION, Erased(1))
    async with world.serving(subscriber):
        await world.commits(1)
        await subscriber.answer(request_id, Right.DELETION, InProgress("still open"))
        await subscriber.answer(request_id, Right.DELETION, Erased(1))
        await eventually(lambda: world.answers[-1].disposition is Disposition.ERASED)
        await subscriber.answer(request_id, Right.DELETION, Erased(1))
        with pytest.raises(RuleViolation, match="already_confirmed"):
            await subscriber.answer(request_id, Right.DELETION, NotFound())
        with pytest.raises(RuleViolation, match="unknown_obligation"):
            await subscriber.answer(new_request_id(), Right.DELETION, Erased(1))
        with pytest.raises(RejectedInput, match="does not answer"):
            await subscriber.answer(request_id, Right.DELETION, Delivered(1))
    assert max(one.sequence for one in world.answers) == 3


async def test_an_answer_that_overtakes_its_handler_is_not_contradicted() -> None:
    subscriber, world = a_subscriber(), World()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        await subscriber.answer(request.request_id, request.right, Erased(5))
        return InProgress("handed to a worker, which was quicker")

    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        await world.commits(1)
    assert [one.disposition for one in world.answers] == [Disposition.ERASED]


async def test_a_later_answer_outlives_an_absent_broker_and_a_restart() -> None:
    outcomes, broker = MemoryOutcomeStore(), FakeBroker()
    world, subscriber = World(broker), a_subscriber(outcomes)
    request_id = new_request_id()
    subscriber.deletion(lambda _request: InProgress())
    world.send(a_notice({request_id: PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        await world.commits(1)
        broker.is_away = True
        await subscriber.answer(request_id, Right.DELETION, Erased(1))
    broker.is_away = False
    successor = a_subscriber(outcomes)
    successor.deletion(lambda _request: NotFound())
    async with world.serving(successor):
        await eventually(lambda: len(world.answers) == 2)
    assert {one.sequence: one.disposition.value for one in world.answers} == {
        1: "in_progress",
        2: "erased",
    }
