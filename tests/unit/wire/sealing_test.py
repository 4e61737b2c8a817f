"""Sealing: an identity opens for one system, one request, one right, one notice and one key."""

from __future__ import annotations

import pytest

from dsr_core.errors import RejectedInput
from dsr_core.identity import Identity
from dsr_core.rights import Right
from dsr_wire.keys import PrivateSealingKey, SealingAlgorithm, SystemKeyPair
from dsr_wire.sealing import Opener, Sealer
from support.builders import MARKER, a_request_id, an_identifier, an_identity

PAIR = SystemKeyPair.generate("crm")


def a_sealer() -> Sealer:
    return Sealer(system_id="crm", right=Right.DELETION, key=PAIR.public.sealing)


def an_opener(
    sealed_key: bytes,
    *,
    system_id: str = "crm",
    right: Right = Right.DELETION,
    key: PrivateSealingKey = PAIR.sealing,
) -> Opener:
    return Opener(sealed_key, system_id=system_id, right=right, key=key)


def changed(content: bytes, index: int) -> bytes:
    copy = bytearray(content)
    copy[index] ^= 1
    return bytes(copy)


def test_the_addressed_system_opens_every_identity_of_a_notice() -> None:
    identities = [
        an_identity(an_identifier(), an_identifier("account_id", f"{MARKER}-é")),
        an_identity(),
        Identity(()),
    ]
    sealer = a_sealer()
    sealed = [
        sealer.seal(one, request_id=a_request_id(number)) for number, one in enumerate(identities)
    ]
    opener = an_opener(sealer.sealed_key)
    opened = [opener.open(one, request_id=a_request_id(n)) for n, one in enumerate(sealed)]
    assert opened == identities


def test_the_value_is_not_in_the_sealed_bytes() -> None:
    assert MARKER.encode() not in a_sealer().seal(an_identity(), request_id=a_request_id())


def test_sealing_twice_gives_other_bytes() -> None:
    sealer = a_sealer()
    sealed = [sealer.seal(an_identity(), request_id=a_request_id()) for _ in range(50)]
    sealed += [a_sealer().seal(an_identity(), request_id=a_request_id()) for _ in range(50)]
    assert len({one[12:] for one in sealed}) == 100


def test_no_nonce_is_used_twice_under_one_key() -> None:
    sealer = a_sealer()
    sealed = [sealer.seal(an_identity(), request_id=a_request_id()) for _ in range(500)]
    assert len({one[:12] for one in sealed}) == 500


def refused_key(sealed_key: bytes, **changes: object) -> None:
    with pytest.raises(RejectedInput, match=r"^cannot_open"):
        an_opener(sealed_key, **changes)


def test_another_system_s_does_not_open() -> None:
    refused_key(a_sealer().sealed_key, system_id="mailer")


def test_another_right_s_does_not_open() -> None:
    refused_key(a_sealer().sealed_key, right=Right.ACCESS)


def test_another_key_s_does_not_open() -> None:
    refused_key(a_sealer().sealed_key, key=SystemKeyPair.generate("crm").sealing)


@pytest.mark.parametrize("index", [0, 31, 32, 60, -1])
def test_a_changed_key_does_not_open(index: int) -> None:
    refused_key(changed(a_sealer().sealed_key, index))


NONSENSE = [b"", b"x", bytes(32), bytes(48), bytes(80), bytes(200)]


@pytest.mark.parametrize("content", NONSENSE)
def test_a_key_that_nobody_sealed_does_not_open(content: bytes) -> None:
    refused_key(content)


def refused(sealer: Sealer, content: bytes, request_id: str = a_request_id()) -> None:
    with pytest.raises(RejectedInput, match=r"^cannot_open") as caught:
        an_opener(sealer.sealed_key).open(content, request_id=request_id)
    assert MARKER not in str(caught.value)


def test_another_request_s_does_not_open() -> None:
    sealer = a_sealer()
    sealed = sealer.seal(an_identity(), request_id=a_request_id())
    refused(sealer, sealed, a_request_id(2))


def test_another_notice_s_does_not_open() -> None:
    sealed = a_sealer().seal(an_identity(), request_id=a_request_id())
    refused(a_sealer(), sealed)


@pytest.mark.parametrize("index", [0, 11, 12, 30, -1])
def test_a_changed_identity_does_not_open(index: int) -> None:
    sealer = a_sealer()
    sealed = sealer.seal(an_identity(), request_id=a_request_id())
    refused(sealer, changed(sealed, index))


def test_a_cut_identity_does_not_open() -> None:
    sealer = a_sealer()
    refused(sealer, sealer.seal(an_identity(), request_id=a_request_id())[:-1])


@pytest.mark.parametrize("content", NONSENSE)
def test_an_identity_that_nobody_sealed_does_not_open(content: bytes) -> None:
    refused(a_sealer(), content)


def test_a_hybrid_key_is_sealed_to_and_opens_and_nothing_else_does() -> None:
    pair = SystemKeyPair.generate("crm", SealingAlgorithm.HYBRID)
    sealer = Sealer(system_id="crm", right=Right.DELETION, key=pair.public.sealing)
    identity, request_id = an_identity(an_identifier()), a_request_id(1)
    sealed = sealer.seal(identity, request_id=request_id)
    assert an_opener(sealer.sealed_key, key=pair.sealing).open(sealed, request_id=request_id) == (
        identity
    )
    assert len(sealer.sealed_key) == 1088 + 32 + 32 + 16
    of_x25519 = PrivateSealingKey(pair.sealing.raw[-32:])
    for key in (PAIR.sealing, of_x25519, PrivateSealingKey.generate(SealingAlgorithm.HYBRID)):
        refused_key(sealer.sealed_key, key=key)


def test_the_key_of_a_package_is_inside_what_is_sealed() -> None:
    sealer = a_sealer()
    sealed = sealer.seal(an_identity(), request_id=a_request_id(), package_key=b"k" * 32)
    addressed = an_opener(sealer.sealed_key).open_addressed(sealed, request_id=a_request_id())
    assert (addressed.identity, addressed.package_key) == (an_identity(), b"k" * 32)
    assert b"k" * 32 not in sealed
