"""A leaf has one form, and holds no id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.merkle import leaf_hash

DIGEST = "ab" * 32
AT = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
DATA = f'{{"at":"2026-03-04T05:06:07.000089Z","digest":"{DIGEST}","kind":"closure","v":1}}'.encode()


def test_a_leaf_is_canonical_json() -> None:
    assert Leaf(Kind.CLOSURE, DIGEST, AT).data() == DATA


@pytest.mark.parametrize("kind", list(Kind))
def test_a_leaf_is_read_as_it_was_written(kind: Kind) -> None:
    leaf = Leaf(kind, DIGEST, AT)
    assert Leaf.read(leaf.data()) == leaf
    assert leaf.hash() == leaf_hash(leaf.data())


def test_a_leaf_s_time_is_in_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    assert Leaf(Kind.CLOSURE, DIGEST, elsewhere).data() == DATA


@pytest.mark.parametrize("digest", ["", "AB" * 32, "ab" * 31, "ab" * 33, "zz" * 32])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Leaf(Kind.CLOSURE, digest, AT)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Leaf(Kind.CLOSURE, DIGEST, AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b"[" * 200_000,
        DATA + b" ",
        DATA.replace(b":1}", b":2}"),
        DATA.replace(b":1}", b":true}"),
        DATA.replace(b'"closure"', b'"closures"'),
        DATA.replace(b'"closure"', b"7"),
        DATA.replace(b",", b", "),
        DATA.replace(b"000089Z", b"89Z"),
        DATA.replace(b"Z", b"+00:00"),
        DATA.replace(b'"v":1', b'"v":1,"w":1'),
        DATA.replace(b'{"at"', b'{"at":"","at"'),
    ],
)
def test_what_is_no_leaf_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each fault has a text of its own
        Leaf.read(data)
