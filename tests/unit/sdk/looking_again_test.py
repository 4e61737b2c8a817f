"""A system that verifies its erasures looks again, and says what it found, under the next number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from unit.sdk.instructions_test import PERSON, a_subscriber, told

from dsr_core.ids import RequestId
from dsr_sdk import (
    Absent,
    Answer,
    DeletionRequest,
    Erased,
    Failed,
    InProgress,
    NotFound,
    Present,
    Subscriber,
)
from dsr_sdk.errors import ConfigurationError
from dsr_sdk.testing import SubscriberHarness
from dsr_sdk.testing.notices import new_request_id

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


class System:
    """A system that erases and looks again with these answers in turn, and what it was asked."""

    def __init__(self, *erased: Answer, seen: list[Answer | Exception], after: timedelta) -> None:
        self.subscriber: Subscriber = a_subscriber()
        self.erasures: list[DeletionRequest] = []
        self.looks: list[DeletionRequest] = []
        answers = list(erased)

        @self.subscriber.deletion
        async def erase(request: DeletionRequest) -> Answer:
            self.erasures.append(request)
            return answers.pop(0)

        @self.subscriber.look_again(after=after)
        async def look(request: DeletionRequest) -> Answer:
            self.looks.append(request)
            answer = seen.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.harness = SubscriberHarness(self.subscriber)
        self.request_id = new_request_id()

    async def asked(self, **options: Any) -> list[tuple[int, str, int]]:
        """Deliver a notice of the request."""
        requests = {self.request_id: PERSON}
        return told(await self.harness.deliver(requests=requests, look_again=True, **options))

    async def after(self, time: timedelta) -> list[tuple[int, str, int]]:
        """Let time pass."""
        return told(await self.harness.advance(time))


def system(
    *erased: Answer, seen: list[Answer | Exception] | None = None, after: timedelta = HOUR
) -> System:
    return System(*(erased or (Erased(3),)), seen=seen or [Absent()], after=after)


async def test_an_erasure_is_looked_at_again_when_its_time_has_come() -> None:
    one = system()
    assert await one.asked() == [(1, "erased", 3)]
    assert await one.after(HOUR - SECOND) == []
    assert await one.after(2 * SECOND) == [(2, "absent", 3)]
    assert (len(one.erasures), len(one.looks)) == (1, 1)
    assert one.looks[0].identity.first("email") == PERSON["email"]
    assert await one.after(1000 * HOUR) == []


async def test_what_is_still_there_is_erased_anew_and_looked_at_again() -> None:
    one = system(Erased(3), Erased(1), seen=[Present(1), Absent()])
    await one.asked()
    assert await one.after(HOUR) == [(2, "present", 1)]
    assert await one.after(HOUR) == [(3, "erased", 1)]
    assert await one.after(HOUR) == [(4, "absent", 1)]
    assert (len(one.erasures), len(one.looks)) == (2, 2)


async def test_redelivery_replays_the_erasure_and_looks_no_sooner() -> None:
    one = system()
    await one.asked()
    assert told(await one.harness.redeliver()) == [(1, "erased", 3)]
    assert one.looks == []


async def test_a_reminder_has_it_looked_at_at_once() -> None:
    one = system()
    await one.asked()
    assert await one.asked(reminder=1) == [(2, "absent", 3)]
    assert len(one.erasures) == 1


async def test_who_had_nothing_to_erase_does_not_look_again() -> None:
    one = system(NotFound())
    assert await one.asked() == [(1, "not_found", 0)]
    assert await one.after(1000 * HOUR) == []


async def test_without_being_asked_to_nobody_looks_again() -> None:
    one = system()
    await one.harness.deliver(requests={one.request_id: PERSON})
    assert await one.after(1000 * HOUR) == []


@pytest.mark.parametrize("fault", [OSError("away"), NotFound()])
async def test_what_could_not_be_looked_at_is_looked_at_later_and_nothing_is_told(
    fault: Answer | Exception,
) -> None:
    one = system(seen=[fault, fault, Absent()])
    await one.asked()
    assert await one.after(HOUR) == []
    assert await one.after(HOUR) == []
    assert await one.after(HOUR) == [(2, "absent", 3)]
    assert len(one.erasures) == 1


async def test_a_stop_after_the_erasure_comes_too_late_and_nobody_looks_again() -> None:
    one = system()
    await one.asked()
    stopped = told(await one.harness.stop(one.request_id))
    assert [disposition for _, disposition, _ in stopped] == ["too_late"]
    assert await one.after(1000 * HOUR) == []


async def test_a_hold_keeps_it_from_looking_until_it_goes_on() -> None:
    one = system()
    await one.asked()
    await one.harness.suspend(one.request_id, revision=1)
    assert await one.after(1000 * HOUR) == []
    assert await one.asked(revision=2) == [(2, "absent", 3)]


async def test_an_erasure_that_was_answered_later_is_looked_at_again_too() -> None:
    one = system(InProgress("queued"))
    await one.asked()
    await one.harness.answer(RequestId(one.request_id), Erased(2))
    assert await one.after(SECOND) == [(2, "erased", 2)]
    assert await one.after(HOUR) == [(3, "absent", 2)]


async def test_a_system_without_such_a_handler_confirms_as_it_did(
    caplog: pytest.LogCaptureFixture,
) -> None:
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        return Erased(1)

    harness = SubscriberHarness(subscriber)
    assert told(await harness.deliver(PERSON, look_again=True)) == [(1, "erased", 1)]
    assert "no handler does" in caplog.text
    assert told(await harness.advance(1000 * HOUR)) == []


def test_one_handler_looks_again() -> None:
    one = system()
    with pytest.raises(ConfigurationError, match="already"):
        one.subscriber.look_again()(lambda _request: Absent())


LONG_AGO = datetime(2026, 1, 31, 12, tzinfo=UTC)


async def test_who_is_only_asked_to_look_looks_and_erases_nothing() -> None:
    one = system()
    assert await one.asked(held_before=LONG_AGO) == [(1, "absent", 0)]
    assert one.erasures == []
    assert [request.held_before for request in one.looks] == [LONG_AGO]
    assert await one.after(1000 * HOUR) == []


async def test_only_what_is_found_again_is_erased_and_looked_at_once_more() -> None:
    one = system(Erased(2), seen=[Present(2), Absent()])
    assert await one.asked(held_before=LONG_AGO) == [(1, "present", 2)]
    assert one.erasures == []
    assert await one.after(HOUR) == [(2, "erased", 2)]
    assert one.erasures[0].held_before == LONG_AGO
    assert await one.after(2 * HOUR) == [(3, "absent", 2)]
    assert (len(one.erasures), len(one.looks)) == (1, 2)


async def test_a_reminder_to_look_has_nothing_erased_before_something_is_found() -> None:
    one = system(seen=[OSError("away"), OSError("away"), Absent()])
    assert await one.asked(held_before=LONG_AGO) == []
    assert await one.asked(held_before=LONG_AGO, reminder=1) == []
    assert await one.asked(held_before=LONG_AGO, reminder=2) == [(1, "absent", 0)]
    assert one.erasures == []


async def test_what_could_not_be_looked_at_first_is_looked_at_again_by_itself() -> None:
    one = system(seen=[OSError("away"), Absent()])
    assert await one.asked(held_before=LONG_AGO) == []
    assert await one.after(HOUR) == [(1, "absent", 0)]
    assert one.erasures == []


async def test_an_erasure_of_what_was_found_that_failed_is_preceded_by_another_look() -> None:
    one = system(Failed("busy"), Erased(1), seen=[Present(1), Present(1), Absent()])
    assert await one.asked(held_before=LONG_AGO) == [(1, "present", 1)]
    assert await one.asked(held_before=LONG_AGO, reminder=1) == [(2, "failed", 0)]
    assert await one.asked(held_before=LONG_AGO, reminder=2) == [(3, "present", 1)]
    assert await one.asked(held_before=LONG_AGO, reminder=3) == [(4, "erased", 1)]
    assert await one.after(2 * HOUR) == [(5, "absent", 1)]


async def test_redelivery_of_what_was_looked_at_replays_the_answer() -> None:
    one = system()
    await one.asked(held_before=LONG_AGO)
    assert told(await one.harness.redeliver()) == [(1, "absent", 0)]
    assert len(one.looks) == 1


async def test_a_stop_before_anything_was_found_leaves_nothing_begun() -> None:
    one = system(seen=[OSError("away")])
    await one.asked(held_before=LONG_AGO)
    assert told(await one.harness.stop(one.request_id)) == [(1, "stopped", 0)]
    assert await one.after(1000 * HOUR) == []
    assert one.erasures == []


async def test_a_hold_keeps_it_from_looking_at_all_until_it_goes_on() -> None:
    one = system()
    await one.harness.suspend(one.request_id, revision=1)
    assert await one.after(1000 * HOUR) == []
    assert await one.asked(held_before=LONG_AGO, revision=2) == [(1, "absent", 0)]
    assert one.erasures == []


async def test_a_system_that_has_nothing_to_look_with_says_so_and_erases_nothing() -> None:
    subscriber = a_subscriber()
    erasures: list[DeletionRequest] = []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        erasures.append(request)
        return Erased(1)

    harness = SubscriberHarness(subscriber)
    requests = {new_request_id(): PERSON}
    for reminder in range(2):
        answers = await harness.deliver(requests=requests, held_before=LONG_AGO, reminder=reminder)
        assert told(answers) == [(reminder + 1, "failed", 0)]
    assert erasures == []
