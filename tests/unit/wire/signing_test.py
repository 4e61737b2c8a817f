"""Signing: one signature holds for exactly these answers, in this order, of this system."""

from __future__ import annotations

import pytest

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.keys import SystemKeyPair
from dsr_wire.merkle import leaf_hash, path, root, root_from_path
from dsr_wire.signing import is_signed_by, sign, signed_bytes
from support.builders import a_request_id, an_acknowledgement

PAIR = SystemKeyPair.generate("crm")
ANSWERS = [an_acknowledgement(request_id=a_request_id(number)) for number in range(5)]
BATCH = sign(ANSWERS, PAIR)
LEAVES = [leaf_hash(leaf) for leaf in BATCH.acknowledgements]


def holds(
    *,
    batch: acknowledgements_pb2.SignedAcknowledgements = BATCH,
    leaves: list[bytes] | None = None,
    system_id: str = "crm",
    keys: SystemKeyPair = PAIR,
) -> bool:
    return is_signed_by(
        keys.public.signing.key,
        system_id=system_id,
        leaf_hashes=LEAVES if leaves is None else leaves,
        signature=batch.signature,
    )


def test_what_was_signed_holds() -> None:
    assert holds()
    assert (BATCH.system_id, BATCH.key_id) == ("crm", PAIR.public.signing.id)
    assert [acknowledgement_from_bytes(leaf) for leaf in BATCH.acknowledgements] == ANSWERS


def test_signing_again_gives_the_same_message() -> None:
    assert sign(ANSWERS, PAIR) == BATCH


def test_a_changed_answer_does_not_hold() -> None:
    assert not holds(leaves=[leaf_hash(BATCH.acknowledgements[0] + b"\x38\x01"), *LEAVES[1:]])


def test_reordered_answers_do_not_hold() -> None:
    assert not holds(leaves=[LEAVES[1], LEAVES[0], *LEAVES[2:]])


def test_a_dropped_answer_does_not_hold() -> None:
    assert not holds(leaves=LEAVES[:-1])
    assert not holds(leaves=LEAVES[1:])


def test_an_added_answer_does_not_hold() -> None:
    assert not holds(leaves=[*LEAVES, LEAVES[0]])


def test_one_answer_given_as_two_does_not_hold() -> None:
    assert not holds(leaves=[root(LEAVES)])


def test_another_system_s_answers_do_not_hold() -> None:
    assert not holds(system_id="mailer")


def test_another_key_s_signature_does_not_hold() -> None:
    assert not holds(keys=SystemKeyPair.generate("crm"))


@pytest.mark.parametrize("signature", [b"", b"x", bytes(64), bytes(65)])
def test_bytes_that_are_no_signature_do_not_hold(signature: bytes) -> None:
    forged = acknowledgements_pb2.SignedAcknowledgements(signature=signature)
    assert not holds(batch=forged)


def test_one_answer_is_shown_with_its_path_and_without_its_neighbours() -> None:
    shown = root_from_path(LEAVES[3], 3, len(LEAVES), path(LEAVES, 3))
    PAIR.signing.public_key().verify(BATCH.signature, signed_bytes("crm", len(LEAVES), shown))


def test_a_batch_of_nothing_can_be_signed() -> None:
    empty = sign([], PAIR)
    assert holds(batch=empty, leaves=[])
    assert not holds(batch=empty)
