"""The suppression list as a system asks it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsr_core.suppressions import Suppression
from dsr_sdk import ConfigurationError, SuppressionKey, SuppressionKind, SuppressionList
from dsr_wire.suppression import FilterFile

OLD, NEW = SuppressionKey(bytes(32)), SuppressionKey(bytes(range(32)))
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def listed(key: SuppressionKey, kind: SuppressionKind, *emails: str) -> list[Suppression]:
    return [
        Suppression(kind=kind, digest=digest, key_id=key.name, since=AT)
        for digest in key.digests("email", emails)
    ]


ENTRIES = [
    *listed(OLD, SuppressionKind.MARKETING, "a@example.com"),
    *listed(NEW, SuppressionKind.MARKETING, "b@example.com"),
    *listed(NEW, SuppressionKind.RE_IMPORT, "c@example.com"),
]
ROWS = ["A@example.com ", "b@example.com", "c@example.com", "d@example.com", ""]


def test_rows_are_found_under_every_key_and_for_their_kind_alone() -> None:
    one = SuppressionList.of(ENTRIES, (NEW, OLD))
    assert one.check(SuppressionKind.MARKETING, "email", ROWS) == [True, True, False, False, False]
    assert one.check(SuppressionKind.RE_IMPORT, "email", iter(ROWS)) == [
        False, False, True, False, False
    ]  # fmt: skip
    assert one.check(SuppressionKind.SALE_OR_SHARING, "email", ROWS) == [False] * 5
    assert one.check(SuppressionKind.MARKETING, "username", ROWS) == [False] * 5


def test_an_unknown_kind_of_identifier_is_told() -> None:
    with pytest.raises(ConfigurationError, match="nickname"):
        SuppressionList.of(ENTRIES, (NEW, OLD)).check(SuppressionKind.MARKETING, "nickname", ["x"])


def test_a_list_whose_key_is_missing_misses_nobody_in_silence() -> None:
    with pytest.raises(ConfigurationError, match=OLD.name):
        SuppressionList.of(ENTRIES, (NEW,))


def test_a_file_is_loaded_with_the_key_file_of_intake(tmp_path: Path) -> None:
    keys, file = tmp_path / "keys", tmp_path / "list"
    keys.write_text("".join(f"{base64.b64encode(one.secret).decode()}\n" for one in (NEW, OLD)))
    file.write_bytes(FilterFile.of(ENTRIES, at=AT).to_bytes())
    one = SuppressionList.from_file(file, key_file=keys)
    assert one.made_at == AT
    assert one.check(SuppressionKind.MARKETING, "email", ROWS)[:2] == [True, True]


@pytest.mark.parametrize("broken", ["list", "keys"])
@pytest.mark.parametrize("content", [None, b"rubbish", b"\xff"])
def test_a_file_that_is_none_is_told_in_a_line(
    tmp_path: Path, broken: str, content: bytes | None
) -> None:
    keys, file = tmp_path / "keys", tmp_path / "list"
    keys.write_text(base64.b64encode(NEW.secret).decode())
    file.write_bytes(FilterFile.of([], at=AT).to_bytes())
    path = tmp_path / broken
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        SuppressionList.from_file(file, key_file=keys)
    assert [one.count("\n") for one in raised.value.faults] == [0]
    assert str(path) in raised.value.faults[0]
