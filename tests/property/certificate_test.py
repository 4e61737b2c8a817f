"""Certificates: whatever is changed in one, it is refused, and the part is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.verifying import verify
from support.changing import Path, changed_files, places
from support.evidence import Office, a_full_certificate

OFFICE = Office()
FILE = a_full_certificate(OFFICE).to_bytes()
KEYS = OFFICE.keys


def refused(data: bytes) -> set[str]:
    """The parts of a file that are refused."""
    return {one.part for one in verify(data, KEYS).failures}


@pytest.mark.timeout(120)
def test_a_certificate_with_any_byte_changed_is_refused() -> None:
    assert verify(FILE, KEYS).is_good
    for place in range(len(FILE)):
        changed = bytearray(FILE)
        changed[place] ^= 1
        assert refused(bytes(changed)), place


@given(place=st.integers(0, len(FILE) - 1), byte=st.integers(0, 255))
def test_a_byte_is_changed_to_any_other(place: int, byte: int) -> None:
    changed = bytearray(FILE)
    changed[place] = byte
    assert bool(refused(bytes(changed))) == (changed != FILE)


@given(place=st.integers(0, len(FILE)), length=st.integers(1, 40))
def test_a_piece_is_cut_out_or_doubled(place: int, length: int) -> None:
    piece = FILE[place : place + length]
    assert bool(refused(FILE[:place] + FILE[place + length :])) == bool(piece)
    assert bool(refused(FILE[:place] + piece + FILE[place:])) == bool(piece)


def named(path: Path) -> str:
    """The part that a place belongs to."""
    first, *rest = path
    of_a_list = first in {"answers", "amendments"} and rest
    return f"{first}[{rest[0]}]" if of_a_list else str(first)


def test_every_value_is_bound_and_its_part_is_named_when_changed_removed_or_added() -> None:
    seen = set()
    for path, how, changed in changed_files(FILE):
        parts = refused(changed)
        # What stands in a list is moved by what is taken out before it; the list is named then.
        part = named(path).partition("[")[0] if how == "is removed" else named(path)
        assert any(one.startswith(part) for one in parts), (path, how, parts)
        seen.add(path)
    assert {path for path, _ in places(json.loads(FILE)) if path} <= seen


@pytest.mark.parametrize(
    "other",
    [
        FILE.removesuffix(b"\n"),
        FILE + b"\n",
        b" " + FILE,
        FILE.replace(b",", b", ", 1),
        b"\xef\xbb\xbf" + FILE,
        json.dumps(json.loads(FILE), indent=1, sort_keys=True).encode() + b"\n",
        FILE.replace(b'{"amendments"', b'{"v":1,"amendments"', 1),
        b"",
        b"\n",
        b"null\n",
        b"[" * 100_000 + b"\n",
        b'"\\ud800"\n',
        b"1" * 5000 + b"\n",
    ],
)
def test_another_form_of_the_same_file_is_refused(other: bytes) -> None:
    assert refused(other)


def test_a_certificate_is_read_as_it_was_written() -> None:
    assert Certificate.from_bytes(FILE).to_bytes() == FILE
