"""Sealing: an identity opens for one system, one request, one right and one key."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from dsr_core.errors import RejectedInput
from dsr_core.identity import Identity
from dsr_core.rights import Right
from dsr_wire.keys import SystemKeyPair
from dsr_wire.sealing import open_sealed, seal
from support.builders import MARKER, a_request_id, an_identifier, an_identity

PAIR = SystemKeyPair.generate("crm")


def sealed(identity: Identity | None = None) -> bytes:
    return seal(
        an_identity() if identity is None else identity,
        request_id=a_request_id(),
        system_id="crm",
        right=Right.DELETION,
        key=PAIR.public.sealing,
    )


def opened(
    content: bytes,
    *,
    request_id: str = a_request_id(),
    system_id: str = "crm",
    right: Right = Right.DELETION,
    key: X25519PrivateKey = PAIR.sealing,
) -> Identity:
    return open_sealed(content, request_id=request_id, system_id=system_id, right=right, key=key)


def test_the_addressed_system_opens_it() -> None:
    identity = an_identity(an_identifier(), an_identifier("account_id", f"{MARKER}-é"))
    assert opened(sealed(identity)) == identity


def test_an_identity_without_identifiers_can_be_sealed() -> None:
    assert opened(sealed(Identity(()))) == Identity(())


def test_the_value_is_not_in_the_sealed_bytes() -> None:
    assert MARKER.encode() not in sealed()


def test_sealing_twice_gives_other_bytes() -> None:
    assert sealed() != sealed()


def refused(content: bytes, **changes: object) -> None:
    with pytest.raises(RejectedInput, match=r"^cannot_open") as caught:
        opened(content, **changes)
    assert MARKER not in str(caught.value)


def test_another_request_s_does_not_open() -> None:
    refused(sealed(), request_id=a_request_id(2))


def test_another_system_s_does_not_open() -> None:
    refused(sealed(), system_id="mailer")


def test_another_right_s_does_not_open() -> None:
    refused(sealed(), right=Right.ACCESS)


def test_another_key_s_does_not_open() -> None:
    refused(sealed(), key=SystemKeyPair.generate("crm").sealing)


@pytest.mark.parametrize("index", [0, 31, 32, 60, -1])
def test_changed_bytes_do_not_open(index: int) -> None:
    content = bytearray(sealed())
    content[index] ^= 1
    refused(bytes(content))


@pytest.mark.parametrize("content", [b"", b"x", bytes(32), bytes(48), bytes(200)])
def test_bytes_that_nobody_sealed_do_not_open(content: bytes) -> None:
    refused(content)


def test_cut_bytes_do_not_open() -> None:
    refused(sealed()[:-1])
