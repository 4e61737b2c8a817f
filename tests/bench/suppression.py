"""How many rows a core checks a second against the suppression list, as a system does with the SDK.

    python tests/bench/suppression.py [--entries 100000] [--repeats 5]

The list is loaded from its file, as `dsr suppression export` writes it, with its key; every hundredth row
is listed. For 100,000 and for 1,000,000 rows of addresses and of telephone numbers: the whole check, and
the keyed hashes that are the first part of it. It fails where one who is listed is missed, or where more
strangers look listed than one in 100,000. Rates are of this process's CPU time, the middle one of the
repeats; the last line is JSON.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from dsr_core.suppressions import Suppression, SuppressionKind
from dsr_sdk import SuppressionKey, SuppressionList
from dsr_wire.suppression import FilterFile

PROMISE, GOAL = 100_000, 1_000_000
SIZES = (100_000, 1_000_000)
KIND = SuppressionKind.MARKETING
KEY = SuppressionKey(bytes(range(32)))
LISTED_EVERY = 100
STRANGERS = 1e-5
VALUES: dict[str, Callable[[int], str]] = {
    "email": lambda number: f"Person.{number}@Example.com",
    "phone": lambda number: f"+1 (201) {number:07d}",
}


def loaded(entries: int, kind: str) -> SuppressionList:
    """Return a list of so many, as a system loads it; of the rows every hundredth is on it."""
    people = map(VALUES[kind], range(0, entries * LISTED_EVERY, LISTED_EVERY))
    at = datetime.now(UTC)
    listed = (
        Suppression(kind=KIND, digest=digest, key_id=KEY.name, since=at)
        for digest in KEY.digests(kind, people)
    )
    with tempfile.TemporaryDirectory() as folder:
        file, key_file = Path(folder) / "list", Path(folder) / "key"
        file.write_bytes(FilterFile.of(listed, at=at).to_bytes())
        key_file.write_text(base64.b64encode(KEY.secret).decode())
        return SuppressionList.from_file(file, key_file=key_file)


def rate(work: Callable[[], object], rows: int, repeats: int) -> int:
    """Return how many rows a second of CPU time does; the middle one of the repeats."""
    spent = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return round(rows / statistics.median(spent))


def verify(found: list[bool], entries: int) -> None:
    """Raise if somebody listed was missed, or strangers look listed."""
    listed = range(0, min(len(found), entries * LISTED_EVERY), LISTED_EVERY)
    if not all(found[place] for place in listed):
        raise SystemExit("somebody who is listed was missed")
    if sum(found) - len(listed) > max(1, len(found) * STRANGERS):
        raise SystemExit("more strangers look listed than may")


def main() -> None:
    """Measure each kind of identifier at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, help="how long the list is")
    parser.add_argument("--repeats", type=int, default=5, help="of each measurement")
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    load = os.getloadavg()[0]
    found: dict[str, dict[int, dict[str, int]]] = {}
    for kind, value in VALUES.items():
        list_, found[kind] = loaded(options.entries, kind), {}
        for size in SIZES:
            rows = [value(number) for number in range(size)]
            verify(list_.check(KIND, kind, rows), options.entries)
            found[kind][size] = {
                "checked": rate(
                    lambda: list_.check(KIND, kind, rows),  # noqa: B023 - called at once
                    size,
                    options.repeats,
                ),
                "hashed": rate(
                    lambda: KEY.digests(kind, rows),  # noqa: B023 - called at once
                    size,
                    options.repeats,
                ),
            }
    sys.stdout.write(f"{machine}, load {load:.1f}; a list of {options.entries:,}\n")
    for kind, sizes in found.items():
        for size, rates in sizes.items():
            told = "  ".join(f"{what} {number:9,d}/s" for what, number in rates.items())
            sys.stdout.write(f"{kind:6s} {size:9,d} rows  {told}\n")
    document = {
        "machine": machine,
        "entries": options.entries,
        "promise": PROMISE,
        "goal": GOAL,
        "rows_per_second": found,
    }
    sys.stdout.write(f"{json.dumps(document)}\n")
    slowest = min(rates["checked"] for sizes in found.values() for rates in sizes.values())
    if slowest < PROMISE:
        raise SystemExit(f"{slowest:,} rows a second are less than was promised")


if __name__ == "__main__":
    main()
