"""A package under a recipient's key is one file of age, of which any range can be made by itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import partial

import pyrage
import pytest

from dsr_core.errors import RejectedInput, Unavailable
from dsr_intake.application.packages.age_file import CHUNK_BYTES, AgeFile, checked_age_key
from dsr_intake.application.packages.pieces import PIECE_BYTES

SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * PIECE_BYTES, 3 * PIECE_BYTES + 5]


@pytest.fixture
def identity() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


def a_file(
    identity: pyrage.x25519.Identity, size: int, *, package: bytes = b"this package"
) -> AgeFile:
    def secret(purpose: str) -> bytes:
        return hashlib.sha256(package + purpose.encode()).digest()

    return AgeFile(secret, str(identity.to_public()), size)


def pieces_of(content: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield a part as a package in the store gives it: to the end of each piece."""
    while start < end:
        stop = min((start // PIECE_BYTES + 1) * PIECE_BYTES, end)
        yield content[start:stop]
        start = stop


def from_(content: bytes) -> Callable[[int, int], Iterator[bytes]]:
    return partial(pieces_of, content)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_locked_opens_by_its_key_and_no_other(
    identity: pyrage.x25519.Identity, size: int
) -> None:
    content = os.urandom(size)
    file = a_file(identity, size)
    found = b"".join(file.range(0, file.size, from_(content)))
    assert len(found) == file.size
    assert pyrage.decrypt(found, [identity]) == content
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(found, [pyrage.x25519.Identity.generate()])


@pytest.mark.parametrize("length", [1, 100, 65_000, CHUNK_BYTES + 16, 1_000_000])
def test_the_ranges_of_a_file_are_the_file_whoever_makes_them(
    identity: pyrage.x25519.Identity, length: int
) -> None:
    content = os.urandom(2 * PIECE_BYTES + 77)
    size = a_file(identity, len(content)).size
    whole = b"".join(a_file(identity, len(content)).range(0, size, from_(content)))
    starts = range(0, size, length) if length > 100 else [0, 5, 183, 184, 185, 200, 216, 217, 9999]
    for start in starts:
        end = min(start + length, size)
        again = a_file(identity, len(content))  # as another process, or after a crash
        assert b"".join(again.range(start, end, from_(content))) == whole[start:end]


def test_a_range_reads_no_more_of_the_package_than_it_needs(
    identity: pyrage.x25519.Identity,
) -> None:
    content, asked = bytes(10 * PIECE_BYTES), []

    def clear(start: int, end: int) -> Iterator[bytes]:
        asked.append((start, end))
        return pieces_of(content, start, end)

    file = a_file(identity, len(content))
    list(file.range(5 * PIECE_BYTES, 6 * PIECE_BYTES, clear))
    [(start, end)] = asked
    assert end - start <= PIECE_BYTES + 2 * CHUNK_BYTES
    list(file.range(0, 10, clear))
    assert len(asked) == 1, "the header needs nothing of it"


def test_another_package_or_another_recipient_has_other_bytes_throughout(
    identity: pyrage.x25519.Identity,
) -> None:
    content = bytes(100)
    other = pyrage.x25519.Identity.generate()
    files = [
        a_file(identity, 100),
        a_file(identity, 100, package=b"another"),
        a_file(other, 100, package=b"for another"),
    ]
    ends = {b"".join(one.range(one.size - 116, one.size, from_(content))) for one in files}
    assert len(ends) == len(files)


def test_a_fault_of_what_is_read_is_told_as_it_is(identity: pyrage.x25519.Identity) -> None:
    def clear(_start: int, _end: int) -> Iterator[bytes]:
        yield bytes(PIECE_BYTES)
        raise Unavailable("the store is away")

    file = a_file(identity, 2 * PIECE_BYTES)
    with pytest.raises(Unavailable, match="the store is away"):
        list(file.range(0, file.size, clear))


@pytest.mark.parametrize("text", ["", "age1", "AGE-SECRET-KEY-1", "age1" + "q" * 58])
def test_what_is_no_key_of_age_is_refused(text: str) -> None:
    with pytest.raises(RejectedInput, match="no public key of age"):
        checked_age_key(text)


def test_a_key_that_gives_everybody_the_same_secret_is_refused() -> None:
    # Bech32 of 32 zero bytes: X25519 with it is nought, whoever computes it (RFC 7748, section 6.1).
    zeros = "age1" + "q" * 52
    everybodys = zeros + checksum(zeros)
    assert str(pyrage.x25519.Recipient.from_str(everybodys)) == everybodys, "it is well written"
    with pytest.raises(RejectedInput, match="no public key of age"):
        checked_age_key(everybodys)


def checksum(text: str) -> str:
    """Return the checksum of Bech32 (BIP 173) behind a text whose data part is all `q`."""
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    name, _, data = text.partition("1")
    values = [ord(one) >> 5 for one in name] + [0] + [ord(one) & 31 for one in name]
    values += [letters.index(one) for one in data] + [0] * 6
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(
            (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
        ):
            if top >> bit & 1:
                check ^= generator
    check ^= 1
    return "".join(letters[check >> 5 * (5 - n) & 31] for n in range(6))
