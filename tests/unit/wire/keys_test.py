"""Keys: names, files, and that nothing private is shown."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from dsr_wire.keys import (
    PrivateSealingKey,
    Revocation,
    SealingAlgorithm,
    SealingKey,
    SigningKey,
    SystemKeyPair,
    SystemPublicKeys,
    key_id,
)
from support.builders import NOW

PAIR = SystemKeyPair.generate("crm")


def test_a_key_is_named_for_its_bytes() -> None:
    assert key_id(b"") == "e3b0c44298fc1c14"
    assert PAIR.public.signing.id == key_id(PAIR.public.signing.raw)
    assert PAIR.public.sealing.id == key_id(PAIR.public.sealing.raw)


def test_a_pair_is_read_from_what_it_wrote() -> None:
    again = SystemKeyPair.from_json(PAIR.to_json())
    assert again.public == PAIR.public
    assert again.to_json() == PAIR.to_json()


def test_new_pairs_differ() -> None:
    assert SystemKeyPair.generate("crm").public != PAIR.public


def test_private_keys_are_not_shown() -> None:
    content = json.loads(PAIR.to_json())
    for name in ("signing", "sealing"):
        raw = base64.b64decode(content[name])
        for form in (content[name], raw.hex(), str(raw)):
            assert form not in repr(PAIR)
            assert form not in str(PAIR)


def changed(**fields: object) -> str:
    return json.dumps({**json.loads(PAIR.to_json()), **fields})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret-text",
        "[]",
        "{}",
        changed(signing="c2VjcmV0"),
        changed(sealing="not base64!"),
        changed(sealing="secret-é"),
        changed(signing=5),
    ],
    ids=[*"01234567"],
)
def test_what_is_no_key_file_is_refused_without_an_echo(text: str) -> None:
    with pytest.raises(ValueError, match="not a key file") as caught:
        SystemKeyPair.from_json(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"", b"short", b"x" * 33])
def test_bytes_that_are_no_key_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        SigningKey(raw)
    with pytest.raises(ValueError, match=r"."):
        SealingKey(raw)


@pytest.mark.parametrize(
    "raw",
    [
        bytes(32),
        b"\x01" + bytes(31),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    ],
)
def test_a_point_of_low_order_is_no_sealing_key(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        SealingKey(raw)


def test_keys_of_equal_bytes_are_equal() -> None:
    assert SigningKey(PAIR.public.signing.raw) == PAIR.public.signing
    assert SealingKey(PAIR.public.sealing.raw) == PAIR.public.sealing


def test_a_former_signing_key_is_still_found_by_its_name() -> None:
    former = SystemKeyPair.generate("crm").public.signing
    keys = SystemPublicKeys("crm", PAIR.public.signing, PAIR.public.sealing, (former,))
    assert keys.signing_key(former.id) == former
    assert keys.signing_key(PAIR.public.signing.id) == PAIR.public.signing
    assert keys.signing_key("0" * 16) is None


def test_a_revoked_key_is_refused_from_its_time_on_and_not_before() -> None:
    revoked = Revocation(PAIR.public.signing.id, NOW, "leaked")
    assert revoked.refuses(NOW)
    assert revoked.refuses(NOW + timedelta(days=1))
    assert not revoked.refuses(NOW - timedelta(microseconds=1))


def test_a_revocation_is_found_by_its_key_s_name_even_of_a_key_that_was_dropped() -> None:
    dropped = Revocation("0" * 16, NOW, "leaked")
    keys = SystemPublicKeys("crm", PAIR.public.signing, PAIR.public.sealing, (), (dropped,))
    assert keys.revocation("0" * 16) == dropped
    assert keys.revocation(PAIR.public.signing.id) is None


HYBRID = SystemKeyPair.generate("crm", SealingAlgorithm.HYBRID)


@pytest.mark.parametrize("pair", [PAIR, HYBRID], ids=["x25519", "hybrid"])
def test_a_rotation_opens_with_all_keys_and_is_read_from_what_it_wrote(pair: SystemKeyPair) -> None:
    waiting = SystemKeyPair.from_json(pair.rotated(SealingAlgorithm.HYBRID).to_json())
    assert waiting.signing.private_bytes_raw() == pair.signing.private_bytes_raw()
    assert waiting.public.signing != pair.public.signing
    done = SystemKeyPair.from_json(waiting.finished().to_json())
    assert done.public == waiting.public
    for keys in (waiting, done):
        for one in (pair.public.sealing, waiting.public.sealing):
            assert keys.opening(one.id).public == one
    assert done.opening("0" * 16) == done.sealing
    again = done.rotated(SealingAlgorithm.X25519).finished()
    assert [one.public for one in again.former_sealing] == [
        done.public.sealing,
        pair.public.sealing,
    ]


def test_keys_that_wait_are_not_replaced_by_others_that_wait() -> None:
    waiting = PAIR.rotated(SealingAlgorithm.X25519)
    with pytest.raises(ValueError, match="wait already"):
        waiting.rotated(SealingAlgorithm.X25519)
    with pytest.raises(ValueError, match="no new keys"):
        PAIR.finished()


def test_no_private_key_of_a_rotation_is_shown() -> None:
    waiting = HYBRID.rotated(SealingAlgorithm.HYBRID)
    assert waiting.coming is not None
    for one in (waiting, waiting.coming, waiting.sealing, PrivateSealingKey(b"k" * 32)):
        assert "object at" in repr(one)
        assert str(one) == repr(one)


def test_a_hybrid_key_is_both_keys_and_one_of_another_kind_is_none() -> None:
    raw = HYBRID.public.sealing.raw
    assert (len(raw), HYBRID.public.sealing.id) == (1184 + 32, key_id(raw))
    for bad, algorithm in (
        (raw, SealingAlgorithm.X25519),
        (raw[:-1], SealingAlgorithm.HYBRID),
        (raw[-32:], SealingAlgorithm.HYBRID),
        (raw[:-32] + bytes(32), SealingAlgorithm.HYBRID),
        (b"\xff" * 1184 + raw[-32:], SealingAlgorithm.HYBRID),
    ):
        with pytest.raises(ValueError, match=r"."):
            SealingKey(bad, algorithm)
    for private in (HYBRID.sealing.raw[:-1], b"", b"x" * 33):
        with pytest.raises(ValueError, match=r"."):
            PrivateSealingKey(private)
