"""A handler out of which a cancellation comes, though nobody is stopping the subscriber."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from unit.sdk.running import KEYS, World, a_subscriber

from dsr_core.ids import RequestId
from dsr_core.rights import Disposition
from dsr_sdk import Answer, DeletionRequest, Erased, Subscriber
from dsr_sdk.testing import FakeBus, a_notice
from dsr_sdk.testing.notices import new_request_id

PERSON = {"email": "a@example.com"}

Register = Callable[[Subscriber, RequestId, Callable[[], None]], Any]


def by_raising() -> None:
    raise asyncio.CancelledError


def by_cancelling_its_own_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


def single(subscriber: Subscriber, unlucky: RequestId, cancel: Callable[[], None]) -> None:
    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        if request.request_id == unlucky:
            cancel()
        await asyncio.sleep(0)
        return Erased(1)


def single_plain(subscriber: Subscriber, unlucky: RequestId, cancel: Callable[[], None]) -> None:
    @subscriber.deletion
    def erase(request: DeletionRequest) -> Answer:
        if request.request_id == unlucky:
            cancel()
        return Erased(1)


def batch(subscriber: Subscriber, unlucky: RequestId, cancel: Callable[[], None]) -> None:
    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        if unlucky in {one.request_id for one in requests}:
            cancel()
        await asyncio.sleep(0)
        return [Erased(1) for _ in requests]


def batch_plain(subscriber: Subscriber, unlucky: RequestId, cancel: Callable[[], None]) -> None:
    @subscriber.deletion_batch
    def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        if unlucky in {one.request_id for one in requests}:
            cancel()
        return [Erased(1) for _ in requests]


@pytest.mark.parametrize(
    ("register", "cancel"),
    [
        (single, by_raising),
        (single, by_cancelling_its_own_task),
        (single_plain, by_raising),
        (batch, by_raising),
        (batch, by_cancelling_its_own_task),
        (batch_plain, by_raising),
    ],
)
@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_handler_that_is_cancelled_from_within_is_failed_and_the_others_go_on(
    register: Register, cancel: Callable[[], None], concurrency: int
) -> None:
    subscriber, world, unlucky = a_subscriber(concurrency=concurrency), World(), new_request_id()
    register(subscriber, unlucky, cancel)
    others = [new_request_id() for _ in range(5)]
    asked = [*others[:2], unlucky, *others[2:]]
    world.send(a_notice(dict.fromkeys(asked, PERSON), to=[KEYS.public]))
    async with world.serving(subscriber) as serving:
        await world.commits(1)
        world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
        await world.commits(2)
        assert not serving.done()
    answers = {one.request_id: one for one in world.answers}
    failed = answers.pop(unlucky)
    assert (failed.disposition, failed.reason) == (Disposition.FAILED, "HandlerCancelled")
    assert failed.retry_at is not None
    assert [one.disposition for one in answers.values()] == [Disposition.ERASED] * 6


async def test_a_cancellation_from_outside_reaches_the_handler_and_answers_nothing() -> None:
    subscriber, world, begun = a_subscriber(), World(), asyncio.Event()
    ended: list[bool] = []

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return Erased()

    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    serving = asyncio.create_task(subscriber.serve(FakeBus(world.broker)))
    await begun.wait()
    serving.cancel()
    await asyncio.wait({serving})
    assert serving.cancelled()
    assert ended == [True]
    assert (world.answers, world.committed) == ((), 0)
