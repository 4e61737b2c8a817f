"""The doctor on keys: each is named with its age, and one that has been used for too long is to be replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsr_cli.doctor.findings import State
from dsr_cli.doctor.keys import signing_since, standing
from dsr_cli.kafka.reading import Found
from dsr_cli.kafka.registry_topic import keys_records
from dsr_wire.keys import SystemKeyPair
from dsr_wire.topics import REGISTRY

NOW = datetime(2026, 11, 27, tzinfo=UTC)
YEAR = timedelta(days=365)


def found(*, wraps_since: datetime | None = NOW, hashes_since: datetime = NOW) -> dict[str, Any]:
    return {
        "keks": [
            {
                "kek_id": "0" * 16,
                "wraps": True,
                "is_known": True,
                "keys": 3,
                "oldest_at": wraps_since and wraps_since.isoformat(),
            }
        ],
        "lookup_keys": [
            {"key_id": "1" * 16, "makes": False, "first_seen_at": (NOW - 9 * YEAR).isoformat()},
            {"key_id": "2" * 16, "makes": True, "first_seen_at": hashes_since.isoformat()},
        ],
    }


def test_keys_in_use_are_named_with_their_age() -> None:
    wraps, looks_up = standing(found(), now=NOW)
    assert (wraps.state, wraps.seen) == (
        State.OK,
        f"{'0' * 16}: 3 requests, the oldest since 2026-11-27",
    )
    assert (looks_up.state, looks_up.part) == (State.OK, "keys: lookup")
    assert "2026-11-27" in looks_up.seen


@pytest.mark.parametrize(
    ("age", "state"),
    [(1.5 * YEAR, State.OK), (1.95 * YEAR, State.WARNING), (5 * YEAR, State.WARNING)],
)
def test_a_key_near_its_end_is_a_warning_that_says_how_to_replace_it(
    age: timedelta, state: State
) -> None:
    both = standing(found(wraps_since=NOW - age, hashes_since=NOW - age), now=NOW)
    assert [(one.state, bool(one.todo)) for one in both] == [(state, state is not State.OK)] * 2


def test_a_key_that_wraps_nothing_has_no_age_and_an_older_intake_says_none() -> None:
    answer = found(wraps_since=None)
    for one in answer["lookup_keys"]:
        del one["first_seen_at"]
    [only] = standing(answer, now=NOW)
    assert (only.state, only.seen) == (State.OK, f"{'0' * 16}: 3 requests")


def test_a_system_signs_since_its_present_key_was_first_registered() -> None:
    first, second = (SystemKeyPair.generate("billing").public for _ in range(2))
    registered = [(first, 3), (first, 2), (second, 1.5), (second, 1)]
    since = signing_since(
        [
            *(
                Found(REGISTRY.name, 0, 0, b"", one.value, one.headers)
                for keys, years in registered
                for one in keys_records([keys], NOW - years * YEAR)
            ),
            Found(REGISTRY.name, 0, 0, b"", b"rubbish", ()),
        ]
    )
    assert since == {"billing": NOW - 1.5 * YEAR}
