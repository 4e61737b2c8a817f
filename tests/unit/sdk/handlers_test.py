"""The four forms of a handler, and how much of each runs at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence

import pytest
from unit.sdk.running import a_subscriber

from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_sdk import AccessRequest, Answer, DeletionRequest, Delivered, Erased, Subscriber
from dsr_sdk.testing import SubscriberHarness
from dsr_wire.topics import NOTICE_RIGHTS
from support.waiting import eventually

PEOPLE = [{"email": f"{number}@example.com"} for number in range(20)]


def number_of(request: DeletionRequest) -> int:
    return int((request.identity.first("email") or "").partition("@")[0])


def single(subscriber: Subscriber) -> None:
    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Erased:
        return Erased(number_of(request))


def single_plain(subscriber: Subscriber) -> None:
    @subscriber.deletion
    def erase(request: DeletionRequest) -> Erased:
        assert threading.current_thread() is not threading.main_thread()
        return Erased(number_of(request))


def batch(subscriber: Subscriber) -> None:
    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        assert len(requests) <= 7
        return [Erased(number_of(one)) for one in requests]


def batch_plain(subscriber: Subscriber) -> None:
    @subscriber.deletion_batch
    def erase(requests: Sequence[DeletionRequest]) -> Mapping[str, Answer]:
        return {one.request_id: Erased(number_of(one)) for one in reversed(requests)}


class Eraser:
    async def __call__(self, request: DeletionRequest) -> Erased:
        return Erased(number_of(request))


def an_object(subscriber: Subscriber) -> None:
    subscriber.deletion(Eraser())


@pytest.mark.parametrize("register", [single, single_plain, batch, batch_plain, an_object])
async def test_every_form_answers_each_request(register: Callable[[Subscriber], None]) -> None:
    subscriber = a_subscriber(batch_size=7, concurrency=3)
    register(subscriber)
    answers = await SubscriberHarness(subscriber).deliver(identities=PEOPLE)
    assert [one.records for one in answers] == list(range(20))


async def test_single_handlers_run_at_once_up_to_the_bound() -> None:
    subscriber = a_subscriber(concurrency=3)
    running, most = 0, 0

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Erased:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1
        return Erased()

    await SubscriberHarness(subscriber).deliver(identities=PEOPLE)
    assert most == 3


async def test_plain_handlers_run_in_as_many_threads() -> None:
    subscriber = a_subscriber(concurrency=3)
    meeting = threading.Barrier(3, timeout=10)

    @subscriber.deletion
    def erase(_request: DeletionRequest) -> Erased:
        meeting.wait()
        return Erased()

    answers = await SubscriberHarness(subscriber).deliver(identities=PEOPLE[:3])
    assert [one.disposition.value for one in answers] == ["erased"] * 3


async def test_answers_that_are_there_are_sent_while_others_are_at_work() -> None:
    subscriber = a_subscriber()
    harness = SubscriberHarness(subscriber)
    sent: list[object] = []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Erased:
        if number_of(request) == 0:
            sent.extend(await eventually(lambda: harness._answers))
        return Erased()

    answers = await harness.deliver(identities=PEOPLE[:4])
    assert len(sent) == 3
    assert len(answers) == 4


async def test_a_request_holds_what_the_notice_told_and_hides_the_person() -> None:
    subscriber, asked = a_subscriber(honours_scope=True), []

    @subscriber.access
    async def show(request: AccessRequest) -> Delivered:
        asked.append(request)
        return Delivered(1)

    scope = Scope(categories=("user.contact",))
    await SubscriberHarness(subscriber).deliver(PEOPLE[0], scope=scope, reminder=2)
    (request,) = asked
    assert isinstance(request, AccessRequest)
    assert (request.right, request.scope, request.reminder) == (Right.ACCESS, scope, 2)
    assert request.identity.values("email") == ("0@example.com",)
    assert (request.attempt, request.may_be_repeat) == (1, False)
    assert request.due_at.tzinfo is not None
    assert "@example.com" not in repr(request)


def test_every_right_that_has_notice_topics_has_its_decorators() -> None:
    for right in NOTICE_RIGHTS:
        for name in (right.value, f"{right.value}_batch"):
            subscriber = a_subscriber()
            getattr(subscriber, name)(lambda _request: Erased())
            assert list(subscriber.handlers) == [right]
