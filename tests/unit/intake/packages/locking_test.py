"""A package under its requester's key opens by that key alone, and is never held whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pyrage
import pytest

from dsr_cli.waiting import wait_until
from dsr_core.errors import RejectedInput, Unavailable
from dsr_intake.application.packages.locking import checked_age_key, locked

PIECE = os.urandom(1024 * 1024)


@pytest.fixture
def identity() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.mark.parametrize("pieces", [[], [b"a"], [PIECE] * 5, [b"", b"a", b"", PIECE]])
def test_what_is_locked_opens_by_its_key_and_no_other(
    identity: pyrage.x25519.Identity, pieces: list[bytes]
) -> None:
    found = b"".join(locked(pieces, str(identity.to_public())))
    assert found.startswith(b"age-encryption.org/v1\n")
    assert pyrage.decrypt(found, [identity]) == b"".join(pieces)
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(found, [pyrage.x25519.Identity.generate()])


def test_only_a_few_pieces_are_ahead_of_who_reads_and_nobody_reads_on_for_who_has_gone(
    identity: pyrage.x25519.Identity,
) -> None:
    read = 0

    def pieces() -> Iterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield PIECE

    stream = locked(pieces(), str(identity.to_public()))
    for _ in range(20):
        next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert wait_until(lambda: "age" not in {one.name for one in threading.enumerate()}, timeout=10)
    assert read < 5


def test_a_fault_of_what_is_read_is_told_as_it_is(identity: pyrage.x25519.Identity) -> None:
    def pieces() -> Iterator[bytes]:
        yield PIECE
        raise Unavailable("the store is away")

    with pytest.raises(Unavailable, match="the store is away"):
        list(locked(pieces(), str(identity.to_public())))


@pytest.mark.parametrize("text", ["", "age1", "AGE-SECRET-KEY-1", "age1" + "q" * 58])
def test_what_is_no_key_of_age_is_refused(text: str) -> None:
    with pytest.raises(RejectedInput, match="no public key of age"):
        checked_age_key(text)
