"""What a stop and a suspension do, in whatever order the notices come and whatever crashes between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.sdk.running import KEYS, World, a_subscriber

from dsr_core.acknowledgements import Acknowledgement, check
from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    Answer,
    DeletionRequest,
    Erased,
    Exempt,
    Failed,
    InProgress,
    NotFound,
    ObligationKey,
    Outcome,
    OutcomeState,
    PartiallyExempt,
    SqliteOutcomeStore,
    Subscriber,
    Unresolvable,
)
from dsr_sdk.testing import Instruction, MemoryOutcomeStore, SubscriberHarness, a_notice
from dsr_sdk.testing.notices import new_request_id
from dsr_wire.codec.notices import Notice
from support.waiting import eventually

PERSON = {"email": "a@example.com"}
REVIEW = datetime(2030, 1, 1, tzinfo=UTC)
UNKNOWN = "the work had begun before the stop, and whether it had its effect is not known"


def answering(*answers: Answer | Exception) -> tuple[Subscriber, list[DeletionRequest]]:
    """A subscriber that gives these answers in turn, and what it was asked."""
    subscriber, asked, left = a_subscriber(), [], list(answers)

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        asked.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return subscriber, asked


def told(answers: Sequence[Acknowledgement]) -> list[tuple[int, str, int]]:
    for one in answers:
        check(one)
    return [(one.sequence, one.disposition.value, one.records) for one in answers]


def notices(request_id: RequestId, *sent: tuple[Instruction, int]) -> list[Notice]:
    return [
        a_notice({request_id: PERSON}, to=[KEYS.public], instruction=instruction, revision=revision)
        for instruction, revision in sent
    ]


PERFORM, SUSPEND, STOP = Instruction.PERFORM, Instruction.SUSPEND, Instruction.STOP


async def test_what_never_began_is_stopped_and_a_late_first_notice_gets_that_again() -> None:
    subscriber, asked = answering()
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    stopped = await harness.stop(request_id, revision=3)
    assert told(stopped) == [(1, "stopped", 0)]
    assert await harness.redeliver() == stopped
    assert await harness.deliver(requests={request_id: PERSON}) == stopped
    assert await harness.deliver(requests={request_id: PERSON}, reminder=1) == stopped
    assert asked == []


@pytest.mark.parametrize("answer", [Failed("locked"), Unresolvable("no such account")])
async def test_what_says_that_nothing_was_done_is_stopped(answer: Answer) -> None:
    subscriber, _ = answering(answer)
    harness = SubscriberHarness(subscriber)
    (first,) = await harness.deliver(PERSON)
    assert told(await harness.stop(first.request_id)) == [(2, "stopped", 0)]


async def test_what_names_nobody_here_is_stopped() -> None:
    subscriber, _ = answering()
    harness = SubscriberHarness(subscriber)
    (unresolvable,) = await harness.deliver({"phone": ()})
    assert unresolvable.disposition is Disposition.UNRESOLVABLE
    assert told(await harness.stop(unresolvable.request_id)) == [(2, "stopped", 0)]


@pytest.mark.parametrize(
    ("answer", "records", "exemptions"),
    [
        (Erased(3), 3, 0),
        (NotFound(), 0, 0),
        (Exempt("HGB 257", REVIEW, records=7), 0, 1),
        (PartiallyExempt("HGB 257", REVIEW, erased=2, kept=1), 2, 1),
    ],
)
async def test_what_is_confirmed_is_too_late_and_told_as_it_was(
    answer: Answer, records: int, exemptions: int
) -> None:
    subscriber, asked = answering(answer)
    harness = SubscriberHarness(subscriber)
    (first,) = await harness.deliver(PERSON)
    (late,) = await harness.stop(first.request_id)
    assert told([late]) == [(2, "too_late", records)]
    assert late.reason == f"answered as {first.disposition}"
    assert late.exemptions == first.exemptions
    assert len(late.exemptions) == exemptions
    assert await harness.redeliver() == (late,)
    assert len(asked) == 1


async def test_crash_between_effect_and_outcome_is_too_late_and_asks_nobody() -> None:
    subscriber, asked = answering()
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    await harness.outcomes.begin([(ObligationKey(request_id, Right.DELETION), "notice-1")])
    (late,) = await harness.stop(request_id)
    assert (late.disposition, late.reason) == (Disposition.TOO_LATE, UNKNOWN)
    assert asked == []


@pytest.mark.parametrize(
    "answers",
    [
        [RuntimeError()],
        [InProgress("a ticket is open")],
        [RuntimeError(), Failed("locked")],
        [InProgress(), Unresolvable("gone")],
    ],
)
async def test_an_effect_that_may_stand_is_never_called_stopped(
    answers: list[Answer | Exception],
) -> None:
    subscriber, asked = answering(*answers)
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    for reminder in range(len(answers)):
        await harness.deliver(requests={request_id: PERSON}, reminder=reminder)
    (late,) = await harness.stop(request_id)
    assert (late.disposition, late.reason) == (Disposition.TOO_LATE, UNKNOWN)
    assert [one.may_be_repeat for one in asked] == [False, True][: len(answers)]


async def test_a_batch_that_raised_before_its_halves_answered_may_have_had_its_effect() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion_batch
    def erase(requests: Sequence[DeletionRequest]) -> list[Answer]:
        if len(requests) > 1:
            raise RuntimeError
        return [Failed("locked")]

    harness = SubscriberHarness(subscriber)
    failed = await harness.deliver(identities=[PERSON, PERSON])
    late = await harness.stop(*(one.request_id for one in failed))
    assert {one.reason for one in late} == {UNKNOWN}


async def test_a_stop_is_stored_before_it_is_answered_and_outlives_a_restart(
    tmp_path: Path,
) -> None:
    world, request_id = World(), new_request_id()

    class BrokerGoesOnSaving(SqliteOutcomeStore):
        async def save(self, outcomes: Sequence[Outcome]) -> None:
            await super().save(outcomes)
            world.broker.is_away = True

    file = tmp_path / "outcomes.sqlite"
    subscriber = a_subscriber(BrokerGoesOnSaving(file))
    subscriber.deletion(lambda _request: Erased())
    world.send(*notices(request_id, (STOP, 2)))
    async with world.serving(subscriber):
        await eventually(lambda: world.broker.is_away)
    world.broker.is_away = False
    assert (world.answers, world.committed) == ((), 0)
    successor = a_subscriber(SqliteOutcomeStore(file))
    successor.deletion(lambda _request: Erased())
    async with world.serving(successor):
        await world.commits(1)
        world.send(*notices(request_id, (PERFORM, 0)))
        await world.commits(2)
    assert {one.disposition for one in world.answers} == {Disposition.STOPPED}
    assert {one.sequence for one in world.answers} == {1}


async def test_a_stop_beside_the_notice_that_it_overtook_begins_nothing() -> None:
    subscriber, asked = answering()
    world, request_id = World(), new_request_id()
    world.send(*notices(request_id, (STOP, 2), (PERFORM, 0)))
    async with world.serving(subscriber):
        await world.commits(2)
    assert told(world.answers) == [(1, "stopped", 0)]
    assert asked == []


async def test_a_handler_at_work_is_finished_and_its_answer_decides() -> None:
    subscriber, at_work, go_on = a_subscriber(), asyncio.Event(), asyncio.Event()

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        at_work.set()
        await go_on.wait()
        return Erased(4)

    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    erasing = asyncio.create_task(harness.deliver(requests={request_id: PERSON}))
    await at_work.wait()
    stopping = asyncio.create_task(harness.stop(request_id))
    go_on.set()
    await erasing
    assert told(await stopping)[-1] == (2, "too_late", 4)


async def test_a_reminder_of_a_stop_says_it_again_under_the_next_number() -> None:
    subscriber, _ = answering()
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    await harness.stop(request_id)
    again = await harness.stop(request_id, reminder=1)
    assert told(again) == [(2, "stopped", 0)]
    assert await harness.redeliver() == again


async def test_nothing_begins_again_after_a_stop_even_under_a_higher_revision() -> None:
    subscriber, asked = answering()
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    stopped = await harness.stop(request_id, revision=3)
    assert await harness.suspend(request_id, revision=4) == ()
    assert await harness.deliver(requests={request_id: PERSON}, revision=5) == stopped
    assert asked == []


async def test_a_stop_that_a_later_notice_overruled_stops_nothing() -> None:
    subscriber, _ = answering(Failed("locked"), Erased(1))
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    failed = await harness.deliver(requests={request_id: PERSON}, revision=5)
    assert await harness.stop(request_id, revision=3) == failed
    (erased,) = await harness.deliver(requests={request_id: PERSON}, revision=5, reminder=1)
    assert erased.disposition is Disposition.ERASED


async def test_a_suspended_request_waits_for_a_higher_revision_and_answers_nothing() -> None:
    subscriber, asked = answering(Erased(2))
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    assert await harness.suspend(request_id, revision=3) == ()
    assert await harness.redeliver() == ()
    for reminder in (0, 1):
        late = await harness.deliver(requests={request_id: PERSON}, reminder=reminder, revision=2)
        assert late == ()
    assert await harness.deliver(requests={request_id: PERSON}, revision=3) == ()
    assert asked == []
    erased = await harness.deliver(requests={request_id: PERSON}, revision=4)
    assert told(erased) == [(1, "erased", 2)]
    assert not asked[0].may_be_repeat
    assert await harness.suspend(request_id, revision=3) == ()
    assert await harness.deliver(requests={request_id: PERSON}) == erased


async def test_retries_of_a_suspended_request_wait() -> None:
    subscriber, asked = answering(RuntimeError(), Erased(1))
    harness = SubscriberHarness(subscriber)
    (failed,) = await harness.deliver(PERSON)
    assert failed.retry_at is not None
    await harness.suspend(failed.request_id)
    assert await harness.advance(timedelta(days=300)) == ()
    assert len(asked) == 1
    resumed = await harness.deliver(requests={failed.request_id: PERSON}, revision=2)
    assert told(resumed) == [(2, "erased", 1)]
    assert asked[1].may_be_repeat


async def test_a_suspended_request_can_be_stopped() -> None:
    subscriber, _ = answering()
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    await harness.suspend(request_id, revision=2)
    assert told(await harness.stop(request_id, revision=3)) == [(1, "stopped", 0)]


async def test_an_answer_unsent_in_a_crash_is_sent_though_a_suspension_overtook_its_notice() -> (
    None
):
    outcomes, world, request_id = MemoryOutcomeStore(), World(), new_request_id()
    subscriber = a_subscriber(outcomes)

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        world.broker.is_away = True
        return Erased(2)

    world.send(*notices(request_id, (PERFORM, 0)))
    async with world.serving(subscriber):
        await eventually(
            lambda: OutcomeState.CONFIRMED in {one.state for one in outcomes.outcomes.values()}
        )
    world.broker.is_away = False
    world.send(*notices(request_id, (SUSPEND, 1)))
    async with world.serving(subscriber):
        await world.commits(2)
    assert told(world.answers) == [(1, "erased", 2)]


async def test_a_confirmed_request_that_was_suspended_may_be_forgotten_once_it_goes_on() -> None:
    subscriber, asked = answering(Erased(2))
    harness = SubscriberHarness(subscriber)
    (erased,) = await harness.deliver(PERSON)
    await harness.suspend(erased.request_id, revision=1)
    long_after = harness.now + timedelta(days=9999)
    assert await harness.outcomes.forget(long_after, 10) == 0
    again = await harness.deliver(requests={erased.request_id: PERSON}, revision=2)
    assert again == (erased,)
    assert await harness.outcomes.forget(long_after, 10) == 1
    assert len(asked) == 1


async def test_a_later_answer_while_suspended_is_told_and_schedules_nothing() -> None:
    subscriber, _ = answering(InProgress("a ticket is open"))
    harness = SubscriberHarness(subscriber)
    (begun,) = await harness.deliver(PERSON)
    await harness.suspend(begun.request_id)
    await harness.answer(begun.request_id, Failed("locked", retry_at=harness.now))
    assert told(await harness.advance(timedelta(days=1))) == [(2, "failed", 0)]
    await harness.answer(begun.request_id, Erased(1))
    assert told(await harness.advance(timedelta(days=1))) == [(3, "erased", 1)]


async def test_what_was_only_ever_suspended_has_no_later_answer() -> None:
    subscriber, _ = answering()
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    await harness.suspend(request_id)
    with pytest.raises(RuleViolation, match="unknown_obligation"):
        await harness.answer(request_id, Erased(1))


async def test_a_later_answer_after_a_stop_says_what_was_too_late() -> None:
    subscriber, _ = answering(InProgress("a ticket is open"))
    harness = SubscriberHarness(subscriber)
    (begun,) = await harness.deliver(PERSON)
    await harness.stop(begun.request_id)
    with pytest.raises(RuleViolation, match="already_stopped"):
        await harness.answer(begun.request_id, InProgress("still open"))
    for _ in range(2):
        await harness.answer(begun.request_id, Erased(5))
    (late,) = await harness.advance(timedelta(seconds=1))
    assert told([late]) == [(3, "too_late", 5)]
    with pytest.raises(RuleViolation, match="already_confirmed"):
        await harness.answer(begun.request_id, NotFound())


async def test_reminders_of_the_present_revision_go_on() -> None:
    subscriber, asked = answering(Failed("locked"), Failed("locked"), Erased(1))
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    for reminder in range(3):
        await harness.deliver(requests={request_id: PERSON}, reminder=reminder, revision=4)
    assert [one.reminder for one in asked] == [0, 1, 2]


async def test_an_unreadable_identity_is_stopped_too() -> None:
    subscriber = a_subscriber()
    subscriber.deletion(lambda _request: Erased())
    world, request_id = World(), new_request_id()
    other = type(KEYS).generate("billing")
    world.send(a_notice({request_id: PERSON}, to=[other.public]))
    async with world.serving(subscriber):
        await world.commits(1)
        world.send(*notices(request_id, (STOP, 1)))
        await world.commits(2)
    assert told(world.answers) == [(1, "failed", 0), (2, "stopped", 0)]


async def test_a_batch_of_notices_costs_one_read_and_two_writes(tmp_path: Path) -> None:
    outcomes, ready = SqliteOutcomeStore(tmp_path / "outcomes.sqlite"), asyncio.Event()
    subscriber, world, statements = a_subscriber(outcomes), World(), []
    subscriber.on_ready(ready.set)
    subscriber.deletion(lambda _request: Erased())
    async with world.serving(subscriber):
        await ready.wait()
        outcomes._open().set_trace_callback(statements.append)
        world.send(a_notice({new_request_id(): PERSON for _ in range(20)}, to=[KEYS.public]))
        await world.commits(1)
        outcomes._open().set_trace_callback(None)
    costly = [one for one in statements if one.startswith("BEGIN") or "json_each" in one]
    assert [one.split()[0] for one in costly] == ["SELECT", "BEGIN", "BEGIN"]
