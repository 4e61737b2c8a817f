"""A system that has taken over the data of others is asked again, and once."""

from __future__ import annotations

from datetime import timedelta

from unit.sdk.instructions_test import PERSON, answering, told

from dsr_core.rights import Right
from dsr_sdk import Erased, Failed, NotFound, ObligationKey
from dsr_sdk.testing import SubscriberHarness
from dsr_sdk.testing.notices import new_request_id

DAY = timedelta(days=1)


async def test_what_was_answered_before_is_asked_again_and_then_replayed() -> None:
    subscriber, asked = answering(NotFound(), Erased(2))
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    await harness.deliver(requests={request_id: PERSON})
    since = harness.now + DAY
    await harness.advance(2 * DAY)
    again = await harness.deliver(requests={request_id: PERSON}, answers_since=since)
    assert told(again) == [(2, "erased", 2)]
    assert await harness.redeliver() == again
    assert await harness.deliver(requests={request_id: PERSON}, answers_since=since) == again
    assert [one.may_be_repeat for one in asked] == [False, False]


async def test_a_clock_that_is_behind_is_asked_again_by_a_reminder() -> None:
    subscriber, asked = answering(NotFound(), NotFound(), NotFound())
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    await harness.deliver(requests={request_id: PERSON})
    since = harness.now + DAY
    early = await harness.deliver(requests={request_id: PERSON}, answers_since=since)
    assert [one.answered_at < since for one in early] == [True]
    await harness.advance(2 * DAY)
    [late] = await harness.deliver(requests={request_id: PERSON}, answers_since=since, reminder=1)
    assert (late.sequence, late.answered_at > since) == (3, True)
    assert len(asked) == 3


async def test_what_was_stopped_is_not_begun_anew() -> None:
    subscriber, asked = answering(Erased(1))
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    await harness.deliver(requests={request_id: PERSON})
    stopped = await harness.stop(request_id)
    await harness.advance(2 * DAY)
    late = await harness.deliver(requests={request_id: PERSON}, answers_since=harness.now - DAY)
    assert late == stopped
    assert len(asked) == 1


async def test_a_crash_while_it_is_asked_again_asks_once_more_as_a_repeat() -> None:
    subscriber, asked = answering(Erased(1), Failed("away"), Erased(1))
    harness, request_id = SubscriberHarness(subscriber), new_request_id()
    await harness.deliver(requests={request_id: PERSON})
    since = harness.now + DAY
    await harness.advance(2 * DAY)
    key = ObligationKey(request_id, Right.DELETION)
    await harness.outcomes.begin([(key, "the notice of the succession")])
    failed = await harness.deliver(requests={request_id: PERSON}, answers_since=since)
    assert told(failed) == [(2, "failed", 0)]
    assert asked[-1].may_be_repeat
    done = await harness.deliver(requests={request_id: PERSON}, answers_since=since, reminder=1)
    assert told(done) == [(3, "erased", 1)]
