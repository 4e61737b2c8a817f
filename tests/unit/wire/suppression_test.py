"""The suppression list as it travels: hashes, the filter file, records."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from dsr_core.errors import RejectedInput
from dsr_core.identity import IDENTIFIER_KINDS, Identifier
from dsr_core.suppressions import LISTED_KINDS, Suppression, SuppressionKind
from dsr_wire.codec.suppressions import (
    suppression_from_wire,
    suppression_key,
    suppression_to_wire,
)
from dsr_wire.suppression import Filter, FilterFile, SuppressionKey

KEY = SuppressionKey(bytes(range(32)))
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SMALLEST = base64.b64decode(
    "RFNSU1VQRjEAAACSeyJmaWx0ZXJzIjpbeyJiaXRzIjo4OCwiZW50cmllcyI6MywiaGFzaGVzIjoyMCwia2V5X2lk"
    "IjoiYmRjMWM4OWM3YzM3ZGY3YyIsImtpbmQiOiJtYXJrZXRpbmcifV0sIm1hZGVfYXQiOiIyMDI2LTAzLTAyVDA5"
    "OjMwOjAwKzAwOjAwIiwidmVyc2lvbiI6MX0sBUuL2iQy2cSylWNIgL8pFkg5EesGVJL/m7oI5ByrxyZsiLihtmEr"
    "zX5T"
)
"""A file with three of `people`, of twenty hashes as files had at first."""


def entry(digest: bytes, kind: SuppressionKind = SuppressionKind.MARKETING) -> Suppression:
    return Suppression(kind=kind, digest=digest, key_id=KEY.name, since=AT)


def people(count: int, name: str = "person") -> list[str]:
    return [f"{name}-{number}@example.com" for number in range(count)]


def test_a_hash_is_keyed_blake2b_for_ever() -> None:
    said = KEY.digest("email", "someone@example.com")
    whole = b"dsr-suppression-v1\x00email\x00someone@example.com"
    assert said == hashlib.blake2b(whole, key=bytes(range(32)), digest_size=16).digest()
    assert said.hex() == "2c10ce58d2fedb9f3ef40fc813b9c0ef"
    assert KEY.name == "bdc1c89c7c37df7c"
    assert SuppressionKey(bytes(32)).digest("email", "someone@example.com") != said
    assert KEY.digest("username", "someone@example.com") != said


def test_rows_are_normalised_as_requests_are() -> None:
    given = {
        "email": " Someone@Example.COM",
        "phone": "+1 (202) 555-0101",
        "customer_number": "c-1 2",
    }
    for kind, value in given.items():
        assert KEY.digests(kind, [value]) == [KEY.digest(kind, Identifier.of(kind, value).value)]
    assert len(KEY.digests("email", ["", "\udcff", "no address"])) == 3


def test_what_is_many_peoples_lists_nobody() -> None:
    assert set(IDENTIFIER_KINDS) - set(LISTED_KINDS) == {"ip_address"}


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(b"short").decode()])
def test_a_file_without_keys_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - what it says is looked at
        SuppressionKey.read(text)
    assert "short" not in str(raised.value)


def test_keys_are_read_in_order_and_never_twice() -> None:
    line = base64.b64encode(bytes(range(32))).decode()
    other = base64.b64encode(bytes(32)).decode()
    assert [one.name for one in SuppressionKey.read(f"{line}\n{other}\n")] == [
        KEY.name,
        SuppressionKey(bytes(32)).name,
    ]
    with pytest.raises(ValueError, match="twice"):
        SuppressionKey.read(f"{line}\n{line}")
    assert line not in repr(SuppressionKey.read(line))


def test_a_filter_misses_nobody_and_takes_few_for_others() -> None:
    listed = KEY.digests("email", people(5_000))
    one = Filter.of(SuppressionKind.MARKETING, KEY.name, listed)
    assert one.matches(listed) == list(range(5_000))
    strangers = KEY.digests("email", people(50_000, "stranger"))
    assert len(one.matches(strangers)) <= 2
    assert one.matches([]) == []


def test_a_file_reads_back_as_it_was() -> None:
    digests = KEY.digests("email", people(100))
    kinds = (SuppressionKind.MARKETING, SuppressionKind.RE_IMPORT)
    made = FilterFile.of((entry(one, kind) for one in digests for kind in kinds), at=AT)
    content = made.to_bytes()
    assert FilterFile.from_bytes(content) == made
    assert [one.entries for one in made.filters] == [100, 100]
    assert b"example.com" not in content
    assert FilterFile.from_bytes(FilterFile.of([], at=AT).to_bytes()).filters == ()


def test_a_file_of_another_number_of_hashes_is_read_as_it_was() -> None:
    [one] = FilterFile.from_bytes(SMALLEST).filters
    assert (one.entries, one.hashes) == (3, 20)
    strangers = [93, 253, 347, 518, 522, 544]
    found = one.matches(KEY.digests("email", people(1_000)))
    assert found == [0, 1, 2, *strangers], "so short a filter takes more for listed"


@pytest.mark.parametrize("hashes", [1, 2, 3, 20])
def test_who_matches_is_who_the_format_says(hashes: int) -> None:
    flags = bytes(number * 7 % 3 > 0 for number in range(96))
    one = Filter(SuppressionKind.MARKETING, KEY.name, 1, hashes, flags)
    digests = KEY.digests("email", people(500))

    def is_listed(digest: bytes) -> bool:
        a, b = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
        return all(flags[(a + i * (b | 1)) % 96] for i in range(hashes))

    found = one.matches(digests)
    assert found == [place for place, digest in enumerate(digests) if is_listed(digest)]
    assert 0 < len(found) < 500


@pytest.mark.parametrize("place", [0, 12, 40, -40, -1])
def test_a_file_that_was_changed_is_refused(place: int) -> None:
    content = bytearray(
        FilterFile.of(map(entry, KEY.digests("email", people(9))), at=AT).to_bytes()
    )
    content[place] ^= 1
    with pytest.raises(RejectedInput, match="filter"):
        FilterFile.from_bytes(bytes(content))


def test_a_file_that_is_cut_off_is_refused() -> None:
    content = FilterFile.of(map(entry, KEY.digests("email", people(9))), at=AT).to_bytes()
    for length in (0, 8, 12, len(content) - 1):
        with pytest.raises(RejectedInput):
            FilterFile.from_bytes(content[:length])


def test_a_header_that_lies_is_refused() -> None:
    content = FilterFile.of(map(entry, KEY.digests("email", people(9))), at=AT).to_bytes()[:-32]
    for old, new in ((b'"version":1', b'"version":2'), (b'"hashes":7', b'"hashes":-1')):
        lying = content.replace(old, new)
        assert lying != content
        with pytest.raises(RejectedInput):
            FilterFile.from_bytes(lying + hashlib.sha256(lying).digest())


def test_a_record_reads_back_as_it_was() -> None:
    one = entry(KEY.digest("email", "someone@example.com"))
    assert suppression_from_wire(suppression_to_wire(one)) == one
    assert suppression_key(one.kind, one.digest) == f"marketing/{one.digest.hex()}"


def test_what_is_no_entry_is_refused() -> None:
    message = suppression_to_wire(entry(bytes(16)))
    message.kind = 0  # type: ignore[assignment]  # as if it had not been set
    with pytest.raises(RejectedInput):
        suppression_from_wire(message)
    with pytest.raises(RejectedInput):
        entry(b"short")
