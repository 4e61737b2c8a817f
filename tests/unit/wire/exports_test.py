"""Exports: each part opens in its own place only, and an index says what no reader could be misled by."""

from __future__ import annotations

import pytest

from dsr_core.errors import RejectedInput
from dsr_core.exports import PART_BYTES, ExportedFile, Protection
from dsr_core.ids import SystemId
from dsr_wire.exports import (
    TAG_BYTES,
    ExportKey,
    Stream,
    file_from_line,
    line_of,
    part_path,
    part_sizes,
)
from dsr_wire.keys import PrivateSealingKey
from support.builders import a_request_id

REQUEST, SYSTEM = a_request_id(), SystemId("crm")
EXPORT = "0192d3a0-0000-7000-8000-000000000001"
PACKAGE = PrivateSealingKey.generate()
PLACE = {"request_id": REQUEST, "system_id": SYSTEM, "export_id": EXPORT}

FILE = ExportedFile(
    name="orders/2026.jsonl",
    media_type="application/jsonl",
    size=120,
    sha256="0f" * 32,
    categories=("user.payment",),
    records=3,
    protected={Protection.SECRET: 2, Protection.THIRD_PARTY: 1},
)


def a_key() -> ExportKey:
    return ExportKey.generate(**PLACE)


def test_a_part_is_the_same_in_a_buffer() -> None:
    key, buffer = a_key(), bytearray(4 + TAG_BYTES)
    key.encrypt_into(Stream.INDEX, 7, b"part", buffer)
    assert bytes(buffer) == key.encrypt(Stream.INDEX, 7, b"part")


def test_who_has_the_package_key_opens_every_part() -> None:
    key = a_key()
    theirs = ExportKey.unsealed(key.sealed(PACKAGE.public), PACKAGE, **PLACE)
    for stream in Stream:
        for number in (0, 1, 640):
            assert theirs.decrypt(stream, number, key.encrypt(stream, number, b"part")) == b"part"


@pytest.mark.parametrize(
    "other",
    [
        {"request_id": a_request_id(2)},
        {"system_id": SystemId("billing")},
        {"export_id": EXPORT.replace("1", "2")},
    ],
)
def test_a_key_opens_in_its_own_place_only(other: dict[str, object]) -> None:
    sealed = a_key().sealed(PACKAGE.public)
    with pytest.raises(RejectedInput, match="not sealed for this request"):
        ExportKey.unsealed(sealed, PACKAGE, **{**PLACE, **other})  # type: ignore[arg-type]  # mixed


def test_another_package_key_opens_nothing() -> None:
    with pytest.raises(RejectedInput, match="not sealed for this request"):
        ExportKey.unsealed(a_key().sealed(PACKAGE.public), PrivateSealingKey.generate(), **PLACE)


def test_a_part_in_anothers_place_is_refused() -> None:
    key = a_key()
    part = key.encrypt(Stream.DATA, 1, b"part")
    for stream, number in ((Stream.DATA, 0), (Stream.INDEX, 1)):
        with pytest.raises(RejectedInput, match="not what the system wrote"):
            key.decrypt(stream, number, part)
    for changed in (part[:-1], part + b"x", b"", bytes([part[0] ^ 1]) + part[1:]):
        with pytest.raises(RejectedInput, match="part 1 of the data"):
            key.decrypt(Stream.DATA, 1, changed)


def test_parts_are_of_one_length_but_the_last() -> None:
    assert list(part_sizes(0)) == []
    assert list(part_sizes(1)) == [1]
    assert list(part_sizes(PART_BYTES)) == [PART_BYTES]
    assert list(part_sizes(2 * PART_BYTES + 5)) == [PART_BYTES, PART_BYTES, 5]


def test_a_path_tells_request_system_and_export_and_nothing_else() -> None:
    path = part_path(REQUEST, SYSTEM, EXPORT, Stream.INDEX, 7)
    assert path == f"exports/{REQUEST}/crm/{EXPORT}/index-000007"


def test_a_line_gives_its_file_again() -> None:
    assert file_from_line(line_of(FILE)) == FILE


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"no json",
        b"\xff",
        line_of(FILE).replace(b"orders/2026.jsonl", b"../../x"),
        line_of(FILE).replace(b"orders/2026.jsonl", b"/etc/passwd"),
        line_of(FILE).replace(b"orders/2026.jsonl", b"a/../b"),
        line_of(FILE).replace(b"orders/2026.jsonl", b"CON"),
        line_of(FILE).replace(b"orders/2026.jsonl", b"x/lpt1.txt"),
        line_of(FILE).replace(b"orders/2026.jsonl", b"a\\\\b"),
        line_of(FILE).replace(b"orders/2026.jsonl", b"a\\u0000"),
        line_of(FILE).replace(b"orders/2026.jsonl", b"trailing. "),
        line_of(FILE).replace(b"orders/2026.jsonl", b"x" * 300),
        line_of(FILE).replace(b'"size":120', b'"size":-1'),
        line_of(FILE).replace(b'"size":120', b'"size":true'),
        line_of(FILE).replace(b'"size":120', b'"size":1.5'),
        line_of(FILE).replace(b"application/jsonl", b"text/html\\r\\nX-Evil: 1"),
        line_of(FILE).replace(b"0f0f", b"zzzz"),
        line_of(FILE).replace(b"third_party", b"nobody"),
    ],
)
def test_what_could_mislead_a_reader_is_refused(line: bytes) -> None:
    with pytest.raises(RejectedInput):
        file_from_line(line)
