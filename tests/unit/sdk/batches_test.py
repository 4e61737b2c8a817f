"""A batch that raises is asked again in halves: a poisoned request's fault stays its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from unit.sdk.running import a_subscriber

from dsr_core.rights import Disposition
from dsr_sdk import Answer, DeletionRequest, Erased, NotFound
from dsr_sdk.testing import Acknowledgement, SubscriberHarness
from support.waiting import eventually

HOUR = timedelta(hours=1)
MANY = 500


def people(count: int) -> list[dict[str, str]]:
    return [{"email": f"{number}@example.com"} for number in range(count)]


def number_of(request: DeletionRequest) -> int:
    return int((request.identity.first("email") or "").partition("@")[0])


class World:
    """A store that erases a whole batch or nothing, and what was asked of it."""

    def __init__(self, *poisoned: int) -> None:
        self.poisoned = set(poisoned)
        self.is_away = False
        self.calls: list[list[DeletionRequest]] = []
        self.erased: Counter[int] = Counter()

    def erase(self, requests: Sequence[DeletionRequest]) -> list[Answer]:
        self.calls.append(list(requests))
        numbers = [number_of(one) for one in requests]
        if self.is_away or self.poisoned.intersection(numbers):
            raise LookupError
        self.erased.update(numbers)
        return [Erased(1) for _ in requests]

    def lose_an_answer(self, requests: Sequence[DeletionRequest]) -> list[Answer]:
        self.calls.append(list(requests))
        return [Erased(1) for one in requests if number_of(one) not in self.poisoned]

    def forget_to_answer(self, requests: Sequence[DeletionRequest]) -> Any:
        self.calls.append(list(requests))
        if not self.poisoned.intersection(number_of(one) for one in requests):
            return [Erased(1) for _ in requests]
        return None


def a_harness(handler: Callable[..., Any], **settings: Any) -> SubscriberHarness:
    subscriber = a_subscriber(**settings)
    subscriber.deletion_batch(handler)
    return SubscriberHarness(subscriber)


def failed(answers: Iterable[Acknowledgement]) -> list[int]:
    return [place for place, one in enumerate(answers) if one.disposition is not Disposition.ERASED]


@pytest.mark.parametrize("handler", [World.erase, World.lose_an_answer, World.forget_to_answer])
@pytest.mark.parametrize("place", [0, 123, MANY - 1])
async def test_one_poisoned_request_is_failed_and_its_neighbours_are_erased(
    handler: Callable[[World, Sequence[DeletionRequest]], Any], place: int
) -> None:
    world = World(place)
    answers = await a_harness(lambda requests: handler(world, requests)).deliver(
        identities=people(MANY)
    )
    assert failed(answers) == [place]
    assert {one.sequence for one in answers} == {1}
    assert answers[place].reason
    assert answers[place].retry_at is not None
    assert len(world.calls) < 25


async def test_a_coroutine_s_batch_is_halved_too() -> None:
    world = World(3, 5)

    async def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        return world.erase(requests)

    answers = await a_harness(erase, batch_size=7).deliver(identities=people(20))
    assert failed(answers) == [3, 5]
    assert set(world.erased.values()) == {1}


async def test_a_neighbour_is_not_told_of_a_repeat_before_its_batch_has_raised() -> None:
    world = World(2)
    await a_harness(world.erase, batch_size=4).deliver(identities=people(8))
    first, *halves, last = world.calls
    assert {one.may_be_repeat for one in (*first, *last)} == {False}
    assert {one.may_be_repeat for half in halves for one in half} == {True}
    assert {one.attempt for call in world.calls for one in call} == {1}


async def test_a_store_that_is_away_is_not_asked_once_a_person() -> None:
    world = World()
    world.is_away = True
    harness = a_harness(world.erase)
    answers = await harness.deliver(identities=people(MANY))
    assert len(failed(answers)) == len(answers) == MANY
    assert len(world.calls) == 18
    world.calls.clear()
    world.is_away = False
    again = await harness.advance(HOUR)
    assert [one.sequence for one in again] == [2] * MANY
    assert failed(again) == []
    assert len(world.calls) == 1


async def test_a_store_that_comes_back_while_halving_answers_for_the_rest() -> None:
    world = World()

    def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        world.is_away = len(world.calls) < 10
        return world.erase(requests)

    answers = await a_harness(erase).deliver(identities=people(MANY))
    assert len(failed(answers)) == 1
    assert len(world.calls) < 25


async def test_a_neighbour_of_more_poison_than_is_looked_through_at_once_is_not_behind_it_for_ever() -> (
    None
):
    world = World(*range(60))
    harness = a_harness(world.erase)
    await harness.deliver(identities=people(64))
    for _ in range(500):
        if len(world.erased) == 4:
            break
        await harness.advance(HOUR)
    assert world.erased == {60: 1, 61: 1, 62: 1, 63: 1}


async def test_a_poisoned_request_that_is_repaired_is_erased_at_its_retry() -> None:
    world = World(7)
    harness = a_harness(world.erase)
    answers = await harness.deliver(identities=people(50))
    world.poisoned.clear()
    (erased,) = await harness.advance(HOUR)
    assert (erased.request_id, erased.sequence) == (answers[7].request_id, 2)
    assert erased.disposition is Disposition.ERASED
    assert set(world.erased.values()) == {1}


async def test_a_crash_between_two_halves_asks_again_and_answers_once() -> None:
    world, stuck = World(1), asyncio.Event()

    async def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        answers = world.erase(requests)
        if not stuck.is_set():
            stuck.set()
            await asyncio.Event().wait()
        return answers

    harness = a_harness(erase)
    crashing = asyncio.create_task(harness.deliver(identities=people(40)))
    await eventually(stuck.is_set)
    crashing.cancel()
    await asyncio.wait({crashing})
    crashed = len(world.calls)
    answers = await harness.redeliver()
    assert {one.may_be_repeat for call in world.calls[crashed:] for one in call} == {True}
    assert failed(answers) == [1]
    assert {one.sequence for one in answers} == {1}
    assert await harness.redeliver() == answers


async def test_what_was_answered_while_its_batch_raised_is_not_asked_again() -> None:
    subscriber, asked = a_subscriber(), Counter[int]()
    harness = SubscriberHarness(subscriber)

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        asked.update(number_of(one) for one in requests)
        for one in requests:
            if number_of(one) == 0:
                await harness.answer(one.request_id, Erased(9))
                raise LookupError
        return [NotFound() for _ in requests]

    answers = await harness.deliver(identities=people(4))
    assert asked == {0: 1, 1: 2, 2: 2, 3: 2}
    assert [one.records for one in answers] == [9, 0, 0, 0]


async def test_progress_told_before_the_batch_raised_counts_on() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        if len(requests) > 1:
            await requests[0].in_progress("working")
            raise LookupError
        return [Erased() for _ in requests]

    answers = await SubscriberHarness(subscriber).deliver(identities=people(2))
    last = {one.request_id: one for one in sorted(answers, key=lambda one: one.sequence)}
    assert {(one.disposition.value, one.sequence) for one in last.values()} == {
        ("erased", 1),
        ("erased", 2),
    }
