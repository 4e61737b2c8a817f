"""A system that verifies its erasures looks again, and says what it found, under the next number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from unit.sdk.instructions_test import PERSON, a_subscriber, told

from dsr_core.ids import RequestId
from dsr_sdk import (
    Absent,
    Answer,
    DeletionRequest,
    Erased,
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

    async def asked(self, **options: int) -> list[tuple[int, str, int]]:
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
