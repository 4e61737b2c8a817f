"""What is found out for all who look: at most so often, and never waited for too long."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from dsr_core.errors import Unavailable
from dsr_intake.application.console.kept import Kept
from support.builders import NOW


class Source:
    """Counts how often it is asked, and waits while a test holds it back."""

    def __init__(self) -> None:
        self.asked = 0
        self.now: datetime = NOW
        self.fault: Exception | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.kept = Kept(
            self._find,
            every=timedelta(seconds=5),
            patience=timedelta(seconds=0.02),
            clock=lambda: self.now,
        )

    async def _find(self) -> int:
        self.asked += 1
        await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault
        return self.asked


async def test_all_who_look_at_a_time_cost_one_question() -> None:
    source = Source()
    found = await asyncio.gather(*(source.kept.get() for _ in range(20)))
    assert {one.value for one in found} == {1}
    source.now += timedelta(seconds=4)
    assert (await source.kept.get()).value == 1
    source.now += timedelta(seconds=1)
    assert (await source.kept.get()).value == 2


async def test_a_source_that_is_away_is_named_and_its_last_word_is_shown() -> None:
    source = Source()
    await source.kept.get()
    source.fault, source.now = Unavailable("kafka is away"), NOW + timedelta(seconds=9)
    shown = await source.kept.get()
    assert (shown.value, shown.at, shown.fault) == (1, NOW, "kafka is away")
    await source.kept.get()
    assert source.asked == 2, "it is not asked more often than one that answers"


async def test_a_slow_source_holds_nobody_up() -> None:
    source = Source()
    source.may_answer.clear()
    shown = await source.kept.get()
    assert (shown.value, shown.fault) == (None, None)
    source.may_answer.set()
    assert (await source.kept.get()).value == 1
    assert source.asked == 1


async def test_a_fault_of_ours_is_not_taken_for_a_source_that_is_away() -> None:
    source = Source()
    source.fault = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await source.kept.get()


async def test_what_is_being_found_out_is_given_up_at_the_end() -> None:
    source = Source()
    source.may_answer.clear()
    await source.kept.get()
    await source.kept.close()
    await source.kept.close()
