"""Acknowledgements into signed batches, bounded in bytes and in number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from dsr_core.acknowledgements import Acknowledgement
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.keys import SystemKeyPair
from dsr_wire.signing import sign
from dsr_wire.topics import ACKNOWLEDGEMENTS

__all__ = ["BYTE_LIMIT", "COUNT_LIMIT", "Signable", "signed_batches"]

BYTE_LIMIT = 256 * 1024
"""No record is larger."""

COUNT_LIMIT = 1000
"""No record holds more answers."""

_FRAME = 512
"""Room for ids and signature."""

_LEAF_FRAME = 5
"""Tag and length of one answer, at most."""

Signable = tuple[Acknowledgement, int]
"""An answer, and how many bytes it takes."""


def signed_batches(answers: Iterable[Signable], keys: SystemKeyPair) -> Iterator[Outgoing]:
    """Yield the records that bring these answers to the verifier; the same answers, the same events."""
    for batch in _batches(answers):
        message = sign(batch, keys)
        request_ids = {one.request_id for one in batch}
        content = message.SerializeToString(deterministic=True)
        yield encode(
            message,
            topic=ACKNOWLEDGEMENTS.name,
            key=request_ids.pop() if len(request_ids) == 1 else keys.system_id,
            event_id=hashlib.sha256(content).hexdigest()[:32],
            source=f"system/{keys.system_id}",
            at=max(one.answered_at for one in batch),
        )


def _batches(answers: Iterable[Signable]) -> Iterator[Sequence[Acknowledgement]]:
    batch: list[Acknowledgement] = []
    total = _FRAME
    for answer, size in answers:
        needed = size + _LEAF_FRAME
        if batch and (len(batch) == COUNT_LIMIT or total + needed > BYTE_LIMIT):
            yield batch
            batch, total = [], _FRAME
        batch.append(answer)
        total += needed
    if batch:
        yield batch
