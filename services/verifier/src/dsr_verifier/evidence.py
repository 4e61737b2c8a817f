"""Evidence: what is kept of a signed batch, so that any answer in it can be shown later."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.ids import SystemId
from dsr_verifier.ports import Batch, Received
from dsr_wire.merkle import leaf_hash

__all__ = ["batch_of", "reread"]


def batch_of(
    message: acknowledgements_pb2.SignedAcknowledgements,
    leaf_hashes: Sequence[bytes],
    received: Received,
) -> Batch:
    """Return the evidence of a batch; its id is a digest of what was signed, and of the signature."""
    joined = b"".join(leaf_hashes)
    content = b"\x00".join(
        (message.system_id.encode(), message.key_id.encode(), message.signature, joined)
    )
    return Batch(
        id=str(UUID(bytes=hashlib.sha256(content).digest()[:16])),
        system_id=SystemId(message.system_id),
        key_id=message.key_id,
        signature=message.signature,
        leaf_hashes=joined,
        size=len(leaf_hashes),
        received=received,
    )


def reread(received: Received) -> Batch:
    """Return the evidence of a batch that has been read, and its signature checked, before."""
    message = acknowledgements_pb2.SignedAcknowledgements.FromString(received.value or b"")
    hashes = [leaf_hash(leaf) for leaf in message.acknowledgements]
    return batch_of(message, hashes, received)
