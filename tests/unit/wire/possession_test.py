"""Proof of possession: only who holds both private keys has them registered, and for itself alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dsr_core.errors import RejectedInput
from dsr_wire.keys import Revocation, SealingAlgorithm, SystemKeyPair
from dsr_wire.possession import challenge, check_proof, key_request, prove, read_key_request
from support.builders import NOW

KEY = b"k" * 32
LATER = NOW + timedelta(hours=1)
ALGORITHMS = list(SealingAlgorithm)


def asked(pair: SystemKeyPair, *, key: bytes = KEY) -> str:
    return challenge(read_key_request(key_request(pair, at=NOW)), key=key, at=NOW)


def proved(pair: SystemKeyPair) -> str:
    return prove(pair, asked(pair), at=LATER)


def changed(text: str, **fields: Any) -> str:
    return json.dumps(json.loads(text) | fields)


def refused(text: str, why: str, *, key: bytes = KEY, at: timedelta = timedelta()) -> None:
    with pytest.raises(RejectedInput, match=why):
        check_proof(text, key=key, at=LATER + at)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_who_holds_both_keys_proves_it(algorithm: SealingAlgorithm) -> None:
    pair = SystemKeyPair.generate("crm", algorithm)
    proof = check_proof(proved(pair), key=KEY, at=LATER)
    assert (proof.public, proof.signed_by) == (pair.public, None)


def test_who_lacks_the_sealing_key_cannot_answer() -> None:
    pair, thief = SystemKeyPair.generate("crm"), SystemKeyPair.generate("crm")
    mixed = replace(thief, sealing=pair.sealing)
    text = asked(mixed)
    with pytest.raises(RejectedInput, match="other keys"):
        prove(thief, text, at=LATER)
    guessed = changed(proved(mixed), secret=base64.b64encode(bytes(32)).decode())
    refused(guessed, "not opened")


def test_who_lacks_the_signing_key_cannot_ask_nor_answer() -> None:
    pair, thief = SystemKeyPair.generate("crm"), SystemKeyPair.generate("crm")
    signing = base64.b64encode(pair.public.signing.raw).decode()
    with pytest.raises(RejectedInput, match="not signed with the key"):
        read_key_request(changed(key_request(thief, at=NOW), signing=signing))
    other = json.loads(proved(thief))["signature"]
    refused(changed(proved(pair), signature=other), "not signed with the key")


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (lambda text: changed(text, system_id="billing"), "for other keys"),
        (lambda text: changed(text, proved_at="2020-01-01T00:00:00+00:00"), "not signed"),
        (lambda text: changed(text, challenge=None), "no challenge"),
        (lambda text: changed(text, challenge={}), "not made here"),
        (lambda text: changed(text, sealing_algorithm="rsa"), "no keys"),
        (lambda text: changed(text, signing=5), "signing is not there"),
        (lambda text: changed(text, system_id="C R M"), "names no system"),
        (lambda text: text[:-1], "no JSON"),
        (lambda _: "[" * 100_000, "no JSON"),
        (lambda _: "[]", "no JSON object"),
    ],
)
def test_a_proof_that_was_changed_proves_nothing(forge: Callable[[str], str], why: str) -> None:
    refused(forge(proved(SystemKeyPair.generate("crm"))), why)


def test_a_challenge_is_good_here_for_a_week_and_for_its_own_keys() -> None:
    pair = SystemKeyPair.generate("crm")
    text = proved(pair)
    refused(text, "not made here", key=b"j" * 32)
    refused(text, "expired", at=timedelta(days=7))
    longer = json.loads(text)["challenge"] | {"expires_at": "2999-01-01T00:00:00+00:00"}
    refused(changed(text, challenge=longer), "not made here")
    other = json.loads(asked(SystemKeyPair.generate("crm")))
    refused(changed(text, challenge=other), "for other keys")


def test_a_request_is_no_proof_and_a_proof_no_request() -> None:
    pair = SystemKeyPair.generate("crm")
    refused(key_request(pair, at=NOW), "no challenge")
    with pytest.raises(RejectedInput, match="not signed"):
        read_key_request(proved(pair))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_new_keys_are_agreed_to_by_the_present_one(algorithm: SealingAlgorithm) -> None:
    present = SystemKeyPair.generate("crm")
    pair = present.rotated(algorithm)
    proof = check_proof(proved(pair), key=KEY, at=LATER)
    assert proof.public == pair.public != present.public
    assert proof.is_agreed_by(present.public)
    assert not proof.is_agreed_by(SystemKeyPair.generate("crm").public)
    leaked = Revocation(present.public.signing.id, NOW, "leaked")
    assert not proof.is_agreed_by(replace(present.public, revoked=(leaked,)))
    unsigned = check_proof(
        changed(proved(pair), present_signature=base64.b64encode(bytes(64)).decode()),
        key=KEY,
        at=LATER,
    )
    assert not unsigned.is_agreed_by(present.public)


def test_nothing_private_is_in_what_is_handed_over() -> None:
    pair = SystemKeyPair.generate("crm").rotated(SealingAlgorithm.HYBRID)
    private = json.loads(pair.to_json())
    hidden = [private["signing"], private["sealing"], private["coming"]["signing"]]
    hidden.append(private["coming"]["sealing"]["key"])
    for text in (key_request(pair, at=NOW), asked(pair), proved(pair)):
        assert [one for one in hidden if one in text] == []
