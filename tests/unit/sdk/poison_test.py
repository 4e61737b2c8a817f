"""One obligation's, one notice's or one handler's fault stays its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from unit.sdk.running import KEYS, TOPIC, World, a_subscriber

from dsr_core.plan import Scope
from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    Answer,
    DeletionRequest,
    Delivered,
    Erased,
    Exempt,
    Exemption,
    Failed,
    NotFound,
    Subscriber,
    SystemKeyPair,
    SystemRequest,
)
from dsr_sdk.testing import SubscriberHarness, a_notice, a_notice_record
from dsr_sdk.testing.notices import new_request_id
from dsr_wire.codec.notices import Notice
from dsr_wire.envelope import Outgoing
from dsr_wire.topics import notice_topic

PERSON = {"email": "marked-person@example.com"}
REVIEW = datetime(2030, 1, 1, tzinfo=UTC)
OTHERS_KEYS = SystemKeyPair.generate("billing")


def an_erasing_subscriber() -> Subscriber:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        return Erased(1)

    return subscriber


def mixed(good: Notice, bad: Notice) -> Notice:
    """One notice with the identities of two."""
    return replace(good, systems=(*good.systems, *bad.systems))


async def test_poisoned_notice_is_answered_failed_and_dead_lettered_and_the_rest_goes_on() -> None:
    good, bad = new_request_id(), new_request_id()
    poisoned = mixed(
        a_notice({good: PERSON}, to=[KEYS.public]),
        a_notice({bad: PERSON}, to=[OTHERS_KEYS.public]),
    )
    world = World()
    world.send(poisoned, a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(an_erasing_subscriber()):
        await world.commits(2)
    dispositions = {one.request_id: one.disposition for one in world.answers}
    assert dispositions.pop(bad) is Disposition.FAILED
    assert list(dispositions.values()) == [Disposition.ERASED] * 2
    (letter,) = world.dead_letters
    assert letter["dsr_dead_letter_reason"] == b"cannot_open"
    assert letter["dsr_dead_letter_refused_by"] == b"system/billing"


async def test_wrong_key_is_failed_and_a_replay_after_repair_is_asked() -> None:
    request_id, notice_id = new_request_id(), "notice-1"
    world, subscriber = World(), an_erasing_subscriber()
    sealed_wrong = a_notice({request_id: PERSON}, to=[OTHERS_KEYS.public], notice_id=notice_id)
    async with world.serving(subscriber):
        world.send(sealed_wrong)
        await world.commits(1)
        world.send(sealed_wrong)
        await world.commits(2)
        world.send(a_notice({request_id: PERSON}, to=[KEYS.public], notice_id=notice_id))
        await world.commits(3)
    failed, replayed, erased = world.answers
    assert failed == replayed
    assert (failed.disposition, failed.sequence) == (Disposition.FAILED, 1)
    assert (erased.disposition, erased.sequence) == (Disposition.ERASED, 2)
    assert len(world.dead_letters) == 2


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Outgoing(TOPIC, b"", b"", (("ce_type", b"dsr.v1.Notice"),)), b"empty"),
        (Outgoing(TOPIC, b"", b"\xff\xff", (("ce_type", b"dsr.v1.Notice"),)), b"undecodable"),
        (Outgoing(TOPIC, b"", b"x", (("ce_type", b"dsr.v1.Other"),)), b"unexpected_type"),
        (Outgoing(TOPIC, b"", b"x", ()), b"no_envelope"),
        (Outgoing(TOPIC, b"", b"x" * 1_000_000, ()), b"no_envelope"),
    ],
)
async def test_undecodable_record_is_dead_lettered_and_the_stream_goes_on(
    record: Outgoing, reason: bytes
) -> None:
    world = World()
    world.broker.append(record)
    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(an_erasing_subscriber()):
        await world.commits(2)
    assert [one.disposition for one in world.answers] == [Disposition.ERASED]
    assert [letter["dsr_dead_letter_reason"] for letter in world.dead_letters] == [reason]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"organisation_id": "other"}, b"wrong_organisation"),
        ({"right": Right.ACCESS}, b"wrong_topic"),
        ({"registry_digest": ""}, b"invalid_field"),
        ({"systems": ()}, b"invalid_field"),
    ],
)
async def test_notice_in_the_wrong_place_is_dead_lettered(
    changes: Mapping[str, Any], reason: bytes
) -> None:
    notice = replace(a_notice({new_request_id(): PERSON}, to=[KEYS.public]), **changes)
    misplaced = replace_topic(a_notice_record(notice))
    world = World()
    world.broker.append(misplaced)
    async with world.serving(an_erasing_subscriber()):
        await world.commits(1)
    assert world.answers == ()
    assert [letter["dsr_dead_letter_reason"] for letter in world.dead_letters] == [reason]


def replace_topic(record: Outgoing) -> Outgoing:
    return Outgoing(TOPIC, record.key, record.value, record.headers)


async def test_what_is_addressed_to_another_system_is_ignored_silently() -> None:
    world, other = World(), SystemKeyPair.generate("shop")
    world.send(a_notice({new_request_id(): PERSON}, to=[other.public]))
    async with world.serving(an_erasing_subscriber()):
        await world.commits(1)
    assert world.answers == ()
    assert world.dead_letters == []


async def test_identity_without_usable_identifier_is_unresolvable_and_not_asked() -> None:
    harness = SubscriberHarness(an_erasing_subscriber())
    resolved, unresolvable = await harness.deliver(identities=[PERSON, {}])
    assert resolved.disposition is Disposition.ERASED
    assert unresolvable.disposition is Disposition.UNRESOLVABLE
    assert unresolvable.reason


@pytest.mark.parametrize(
    ("honours_scope", "expected"), [(False, Disposition.FAILED), (True, Disposition.ERASED)]
)
async def test_a_handler_that_does_not_heed_scope_is_never_asked_for_a_part(
    *, honours_scope: bool, expected: Disposition
) -> None:
    subscriber = a_subscriber(honours_scope=honours_scope)
    asked: list[Scope] = []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        asked.append(request.scope)
        return Erased(1)

    part = Scope(categories=("user.contact",))
    (answer,) = await SubscriberHarness(subscriber).deliver(PERSON, scope=part)
    assert answer.disposition is expected
    assert asked == ([part] if honours_scope else [])


@pytest.mark.parametrize("right", [Right.ACCESS, Right.DELETION])
async def test_a_handler_that_does_not_heed_since_is_never_asked_for_it(right: Right) -> None:
    subscriber = a_subscriber(honours_scope=True, honours_since=[Right.ACCESS])
    asked: list[Scope] = []

    def handle(request: SystemRequest) -> Answer:
        asked.append(request.scope)
        return NotFound()

    subscriber.right(Right.ACCESS)(handle)
    subscriber.right(Right.DELETION)(handle)
    part = Scope(since=date(2025, 3, 1))
    (answer,) = await SubscriberHarness(subscriber).deliver(PERSON, right=right, scope=part)
    if right is Right.ACCESS:
        assert (answer.disposition, asked) == (Disposition.NOT_FOUND, [part])
    else:
        assert (answer.disposition, asked) == (Disposition.FAILED, [])


@pytest.mark.parametrize("is_async", [True, False])
async def test_handler_exception_is_failed_by_its_class_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture, *, is_async: bool
) -> None:
    subscriber = a_subscriber()

    def erase_plainly(request: DeletionRequest) -> Answer:
        if request.identity.first("email") == "b@example.com":
            raise KeyError(request.identity.first("email"))
        return Erased(1)

    async def erase(request: DeletionRequest) -> Answer:
        return erase_plainly(request)

    subscriber.deletion(erase if is_async else erase_plainly)
    harness = SubscriberHarness(subscriber)
    people = [{"email": f"{name}@example.com"} for name in "abc"]
    with caplog.at_level(logging.DEBUG, logger="dsr_sdk"):
        answers = await harness.deliver(identities=people)
    assert [one.disposition.value for one in answers] == ["erased", "failed", "erased"]
    assert answers[1].reason == "KeyError"
    assert "b@example.com" not in caplog.text
    assert "KeyError at " in caplog.text


def too_few(requests: Sequence[DeletionRequest]) -> Any:
    return [Erased() for _ in requests[1:]]


def not_for_deletion(requests: Sequence[DeletionRequest]) -> Any:
    return [Delivered(1) for _ in requests]


def no_answers(requests: Sequence[DeletionRequest]) -> Any:
    return [None for _ in requests]


def empty_mapping(_requests: Sequence[DeletionRequest]) -> Any:
    return {}


def raising(requests: Sequence[DeletionRequest]) -> Any:
    raise LookupError(requests[0].identity.first("email"))


@pytest.mark.parametrize("handler", [too_few, not_for_deletion, no_answers, empty_mapping, raising])
async def test_unfit_answers_are_failed(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    subscriber = a_subscriber()
    subscriber.deletion_batch(handler)
    answers = await SubscriberHarness(subscriber).deliver(identities=[PERSON, PERSON])
    assert {one.disposition for one in answers} == {Disposition.FAILED}
    assert all(one.reason for one in answers)
    assert "marked-person" not in caplog.text
    assert "marked-person" not in repr(answers)


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (Exempt("x" * 2_000_000, REVIEW), "too_large"),
        (Exempt(exemptions=(Exemption(ground="x", review_at=REVIEW),) * 99), "too_large"),
        (Exempt("HGB\x00257", REVIEW), "invalid_field"),
        (Exempt("HGB 257", REVIEW, categories=("",)), "invalid_field"),
        (Failed("\ud800"), "invalid_field"),
        (Erased(2**63), "invalid_field"),
    ],
)
async def test_an_answer_that_could_never_be_sent_is_failed_and_the_stream_goes_on(
    unfit: Answer, reason: str
) -> None:
    subscriber, world, unlucky = a_subscriber(), World(), new_request_id()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        return unfit if request.request_id == unlucky else Erased(1)

    world.send(
        a_notice({unlucky: PERSON, new_request_id(): PERSON}, to=[KEYS.public]),
        a_notice({new_request_id(): PERSON}, to=[KEYS.public]),
    )
    async with world.serving(subscriber):
        await world.commits(2)
    answers = {one.request_id: one for one in world.answers}
    failed = answers.pop(unlucky)
    assert failed.disposition is Disposition.FAILED
    assert failed.reason == f"the handler's answer is refused: {reason}"
    assert [one.disposition for one in answers.values()] == [Disposition.ERASED] * 2


async def test_a_fault_of_the_sdk_itself_is_waited_out_and_loses_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    subscriber, world = an_erasing_subscriber(), World()
    broken = subscriber.asker.ask
    calls: list[int] = []

    async def ask(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("marked-person@example.com")
        await broken(*arguments)

    subscriber.asker.ask = ask
    world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
    async with world.serving(subscriber):
        await world.commits(1)
    assert [one.disposition for one in world.answers] == [Disposition.ERASED]
    assert "RuntimeError at" in caplog.text
    assert "marked-person" not in caplog.text


async def test_access_and_deletion_have_topics_of_their_own() -> None:
    subscriber, world = an_erasing_subscriber(), World()

    @subscriber.access
    def show(_request: object) -> Answer:
        return Delivered(4)

    world.send(
        a_notice({new_request_id(): PERSON}, to=[KEYS.public]),
        a_notice({new_request_id(): PERSON}, to=[KEYS.public], right=Right.ACCESS),
    )
    async with world.serving(subscriber):
        await world.commits(1)
        access = notice_topic(Right.ACCESS, "acme").name
        assert world.broker.committed("dsr.organisation.acme.billing", access) == 1
    assert {one.disposition for one in world.answers} == {
        Disposition.ERASED,
        Disposition.DELIVERED,
    }
    assert all(one.answered_at <= datetime.now(UTC) for one in world.answers)
