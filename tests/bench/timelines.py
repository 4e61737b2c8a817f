"""How many timelines a second a core computes, for each regime: the law's dates, and nothing else.

    python tests/bench/timelines.py [--seconds 1] [--profile uk_gdpr]

A plain request has been received, its identity attested; an eventful one was clarified, extended,
refused and appealed as well. Each is a request of its own, with its own moments: some of one day,
which share what a calendar has counted once, day after day for two years. Cold, every request has a
calendar that has counted nothing yet. The rate is that of this process's CPU time, so that a busy
machine slows it less; the last line is JSON.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import platform
import pstats
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dsr_cli.rules import load_rules
from dsr_core.law.calendars import Calendar
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import Regime
from dsr_core.law.timeline import timeline
from dsr_core.rights import Right
from dsr_runtime.holidays import public_holidays

GOAL = 20_000
RULES = Path(__file__).parents[2] / "rules"
BEGAN = datetime(2026, 2, 6, 9, 30, tzinfo=UTC)
DAYS = 730
"""Two years, so that weekends, holidays and changes of the clocks all come."""

A_DAY = 20
"""Requests of one day, half a minute after each other."""

PLAIN = {FactKind.RECEIVED: 0, FactKind.IDENTITY_PROVEN: 0}
EVENTFUL = {
    **PLAIN,
    FactKind.CLARIFICATION_ASKED: 5,
    FactKind.CLARIFICATION_GIVEN: 9,
    FactKind.EXTENSION_NOTIFIED: 12,
    FactKind.REFUSED: 40,
    FactKind.APPEALED: 50,
    FactKind.ANSWERED: 60,
}
"""What happens, and on which day after receipt."""


def stories(days: dict[FactKind, int]) -> list[tuple[Fact, ...]]:
    """Return the facts of each request, in the order of receipt."""
    received = (
        BEGAN + timedelta(days=day, seconds=30 * number)
        for day in range(DAYS)
        for number in range(A_DAY)
    )
    return [
        tuple(Fact(kind, at + timedelta(days=day)) for kind, day in days.items()) for at in received
    ]


def calendar_of(regime: Regime) -> Calendar:
    """Return the calendar of a person of the regime's first jurisdiction."""
    jurisdiction = regime.jurisdictions[0] if regime.jurisdictions else "US"
    return Calendar(ZoneInfo(regime.zone), public_holidays(*regime.holidays_of(jurisdiction)))


def rate(
    regime: Regime, requests: Sequence[tuple[Fact, ...]], seconds: float, *, cold: bool = False
) -> int:
    """Return how many timelines a second of CPU time computes; cold, with a calendar for each."""
    kept = calendar_of(regime)
    done, spent = 0, 0.0
    while spent < seconds:
        began = time.process_time()
        for facts in requests:
            timeline(regime, Right.DELETION, replace(kept) if cold else kept, facts)
        spent += time.process_time() - began
        done += len(requests)
    return round(done / spent)


def main() -> None:
    """Measure every regime, or profile one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of CPU time, for each number")
    parser.add_argument("--profile", metavar="REGIME", help="say where one regime's time goes")
    parser.add_argument("--cold", action="store_true", help="profile it with new calendars")
    options = parser.parse_args()
    rules = load_rules(RULES)
    cases = {"plain": stories(PLAIN), "eventful": stories(EVENTFUL)}
    profiled = rules.regime(options.profile) if options.profile else None
    if profiled is not None:
        with cProfile.Profile() as profile:
            rate(profiled, cases["eventful"], options.seconds, cold=options.cold)
        pstats.Stats(profile).sort_stats("tottime").print_stats(20)
        return
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    sys.stdout.write(
        f"{machine}, load {os.getloadavg()[0]:.1f}; timelines a second a core, {A_DAY} of each day\n"
    )
    found: dict[str, dict[str, int]] = {}
    for regime in rules.regimes:
        found[regime.name] = {
            f"{case}{' cold' if cold else ''}": rate(regime, requests, options.seconds, cold=cold)
            for case, requests in cases.items()
            for cold in (False, True)
        }
        numbers = "  ".join(f"{case} {n:9,d}" for case, n in found[regime.name].items())
        sys.stdout.write(f"{regime.name:14s}{numbers}\n")
    lowest = min(min(numbers.values()) for numbers in found.values())
    sys.stdout.write(
        json.dumps(
            {"machine": machine, "goal": GOAL, "lowest": lowest, "timelines_per_second": found}
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
