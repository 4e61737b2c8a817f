"""The loop and the lean loop in turn: what the machine does to the one, it does to the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise

import psutil
import uvloop

from dsr_cli.bench.lean import LeanLoop, lean_at_work, start_lean
from dsr_cli.bench.loop import WARM_UP, Loop, Plan, loop_at_work, start_loop
from dsr_cli.bench.people import People
from dsr_cli.bench.progress import Bars
from dsr_cli.bench.report import Report
from dsr_cli.bench.rig import Rig

__all__ = ["measure_in_turn", "suspended", "turns"]

_TURN = 100
"""Requests of one turn, some seconds: shorter than Kafka takes to give up a suspended consumer."""

_BATCHED_TURN = 4000
"""The same where they come by the batch call."""

_QUIET = Bars(quiet=True)


def measure_in_turn(rig: Rig, plan: Plan, bars: Bars) -> Report:
    """Run both loops on one stack, turn about; the one that is not on turn is suspended.

    Raises:
        CommandError: Either lost a request, or did not carry it out.
    """
    ours, theirs = (People.of(plan.requests, warm_up=WARM_UP) for _ in range(2))
    names, lean_names = start_loop(rig, plan, ours), start_lean(rig, theirs)

    async def measure() -> Report:
        async with loop_at_work(rig, plan, names) as loop, lean_at_work(rig, lean_names) as lean:
            await loop.warm_up(ours.warm_up, bars)
            await lean.warm_up(theirs.warm_up)
            pair, ratios = _Pair(loop, lean), []
            planned = turns(plan.requests, _TURN if plan.batch is None else _BATCHED_TURN)
            with bars.bar("turns of both loops", len(planned)) as progress:
                for number, turn in enumerate(planned):
                    ratio = await pair.turn(
                        ours.asked[turn], theirs.asked[turn], lean_first=number % 2 == 1
                    )
                    ratios.append(round(ratio, 2))
                    progress(number + 1)
            report, found = await loop.report(ours), await lean.report(theirs)
            return replace(
                report,
                lean=found,
                ratio_to_lean=round(report.closed_per_s / found.closed_per_s, 2),
                ratio_of_turns=ratios,
            )

    report = uvloop.run(measure())
    rig.stop([*names, *lean_names])
    return report


def turns(requests: int, size: int) -> list[slice]:
    """Return which requests go in which turn: about so many in each, and none left over."""
    count = max(1, round(requests / size))
    bounds = [requests * number // count for number in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]


@contextmanager
def suspended(pids: Iterable[int]) -> Iterator[None]:
    """Have these processes and their descendants rest until the end of this: they cost nothing."""
    family = [
        member
        for pid in pids
        for process in [psutil.Process(pid)]
        for member in (process, *process.children(recursive=True))
    ]
    try:
        for member in family:
            member.suspend()
        yield
    finally:
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.resume()


@dataclass(frozen=True, slots=True)
class _Pair:
    loop: Loop
    lean: LeanLoop

    async def turn(self, ours: Sequence[str], theirs: Sequence[str], *, lean_first: bool) -> float:
        """Send these round both loops; return the ratio of what each closes a second."""
        if lean_first:
            lean_s, loop_s = await self._lean_turn(theirs), await self._loop_turn(ours)
        else:
            loop_s, lean_s = await self._loop_turn(ours), await self._lean_turn(theirs)
        return lean_s / loop_s

    async def _loop_turn(self, people: Sequence[str]) -> float:
        with suspended(self.lean.pids):
            return (await self.loop.go_round(people, _QUIET)).closed_s

    async def _lean_turn(self, people: Sequence[str]) -> float:
        with suspended(self.loop.pids):
            return await self.lean.go_round(people, self.loop.cohort)
