"""Reading: from a record to answers whose signature holds, each of them by the system that signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.ids import SystemId, is_slug
from dsr_verifier.evidence import batch_of
from dsr_verifier.ports import Answer, Batch, Received, RegistryView
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.envelope import decode
from dsr_wire.merkle import leaf_hash
from dsr_wire.signing import is_signed_by

__all__ = [
    "LeafFault",
    "NotYetKnown",
    "SignedBatch",
    "check_revocation",
    "read_batch",
    "said_system",
]


class NotYetKnown(RejectedInput):
    """A message names something that the registry topic has not shown; it may still arrive.

    Attributes:
        awaited: What is waited for, to tell one wait from another.
        arrived: Whether it has arrived by now.
    """

    def __init__(
        self, reason: str, detail: str, *, awaited: str, arrived: Callable[[], bool]
    ) -> None:
        super().__init__(reason, detail)
        self.awaited = awaited
        self.arrived = arrived


@dataclass(frozen=True, slots=True)
class LeafFault:
    """An answer of a batch that is refused; the others stand."""

    index: int
    fault: RejectedInput


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """A batch whose signature holds."""

    batch: Batch
    answers: list[Answer]
    faults: list[LeafFault]


def read_batch(received: Received, registry: RegistryView, *, limit: int) -> SignedBatch:
    """Read a record of dsr.acknowledgements.v1.

    Raises:
        NotYetKnown: No key of the system has arrived.
        RejectedInput: Nothing in the record can be believed: it cannot be decoded, or is empty or
            too large, or the signature does not hold, or its key was revoked before it came.
    """
    message = decode(received.value, received.headers, acknowledgements_pb2.SignedAcknowledgements)
    leaves = message.acknowledgements
    if not leaves:
        raise RejectedInput("empty", "a batch without answers", field="acknowledgements")
    if len(leaves) > limit:
        raise RejectedInput("too_large", f"more than {limit} answers", field="acknowledgements")
    if not is_slug(message.system_id):
        raise RejectedInput("invalid_field", "system_id is not a registry id", field="system_id")
    system_id = SystemId(message.system_id)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    _check_signature(message, hashes, registry)
    batch = batch_of(message, hashes, received)
    check_revocation(batch, registry)
    answers: list[Answer] = []
    faults: list[LeafFault] = []
    for index, (leaf, hashed) in enumerate(zip(leaves, hashes, strict=True)):
        try:
            acknowledgement = acknowledgement_from_bytes(leaf)
            _check_leaf(acknowledgement, signer=system_id)
        except RejectedInput as fault:
            faults.append(LeafFault(index, fault))
        else:
            answers.append(Answer(acknowledgement, leaf, hashed, batch.id, index))
    return SignedBatch(batch, answers, faults)


def said_system(received: Received) -> SystemId | None:
    """Return the system that a record says it is from, which need not be so; none where it says none."""
    try:
        message = decode(
            received.value, received.headers, acknowledgements_pb2.SignedAcknowledgements
        )
    except RejectedInput:
        return None
    return SystemId(message.system_id) if is_slug(message.system_id) else None


def check_revocation(batch: Batch, registry: RegistryView) -> None:
    """Accept a batch that was received before its key was revoked, if it was at all.

    Judged by the keys of now, and by when the batch was received: a parked answer is judged again when
    it is joined, and a redelivered one as it was the first time.

    Raises:
        RejectedInput: It came later; whoever signed it need not be the system.
    """
    keys = registry.keys(batch.system_id)
    revocation = keys.revocation(batch.key_id) if keys else None
    if revocation is not None and revocation.refuses(batch.received.received_at):
        since = revocation.revoked_at.isoformat()
        detail = f"{batch.system_id} answers with a key that is revoked from {since} on"
        raise RejectedInput("key_revoked", detail, field="key_id")


def _check_signature(
    message: acknowledgements_pb2.SignedAcknowledgements,
    hashes: list[bytes],
    registry: RegistryView,
) -> None:
    system_id, key_id = message.system_id, message.key_id

    keys = registry.keys(system_id)
    if keys is None and registry.is_current(system_id):
        raise NotYetKnown(
            "unknown_key",
            f"no keys are registered for {system_id}",
            awaited=f"keys/{system_id}",
            arrived=lambda: registry.keys(system_id) is not None,
        )
    key = keys.answering_key(key_id) if keys else None
    if key is None:
        # No wait for what anyone can make up, be it a system or a key's name: it would hold up the
        # partition. An answer that overtook the new key of a rotation is replayed.
        raise RejectedInput("unknown_key", f"no key of that name is registered for {system_id}")
    if not is_signed_by(
        key.key, system_id=system_id, leaf_hashes=hashes, signature=message.signature
    ):
        raise RejectedInput("bad_signature", f"not signed by {system_id}")


def _check_leaf(acknowledgement: Acknowledgement, *, signer: SystemId) -> None:
    if acknowledgement.system_id != signer:
        raise RejectedInput("wrong_system", f"{signer} answers for another system")
