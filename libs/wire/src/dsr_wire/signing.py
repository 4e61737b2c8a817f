"""Signing: a batch of one system's answers under one Ed25519 signature over their Merkle root."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.acknowledgements import Acknowledgement
from dsr_wire import merkle
from dsr_wire.codec.acknowledgements import acknowledgement_to_wire
from dsr_wire.keys import SystemKeyPair

__all__ = ["is_signed_by", "sign", "signed_bytes"]

_CONTEXT = b"dsr.v1.SignedAcknowledgements"


def signed_bytes(system_id: str, size: int, root: bytes) -> bytes:
    """Return what the signature is over: context, system, number of answers, root."""
    return b"\x00".join((_CONTEXT, system_id.encode(), size.to_bytes(8, "big") + root))


def sign(
    answers: Iterable[Acknowledgement], keys: SystemKeyPair
) -> acknowledgements_pb2.SignedAcknowledgements:
    """Sign answers of one system; the same answers and keys give the same message."""
    leaves = [acknowledgement_to_wire(one).SerializeToString(deterministic=True) for one in answers]
    root = merkle.root([merkle.leaf_hash(leaf) for leaf in leaves])
    return acknowledgements_pb2.SignedAcknowledgements(
        system_id=keys.system_id,
        key_id=keys.public.signing.id,
        signature=keys.signing.sign(signed_bytes(keys.system_id, len(leaves), root)),
        acknowledgements=leaves,
    )


def is_signed_by(
    key: Ed25519PublicKey, *, system_id: str, leaf_hashes: Sequence[bytes], signature: bytes
) -> bool:
    """Tell whether a key signed these answers, given their leaf hashes in order."""
    root = merkle.root(leaf_hashes)
    try:
        key.verify(signature, signed_bytes(system_id, len(leaf_hashes), root))
    except InvalidSignature:
        return False
    return True
