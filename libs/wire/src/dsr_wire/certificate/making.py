"""Making certificates from what a ledger and its log keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsr_wire import merkle
from dsr_wire.certificate.form import Certificate, LogEntry, SignedAnswer
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.statement import Statement
from dsr_wire.log.leaves import Leaf
from dsr_wire.log.notes import split_note
from dsr_wire.log.proofs import Proof

__all__ = ["make_certificate", "shown_answer"]

_HASH = 32


def shown_answer(
    answer: bytes, *, index: int, leaf_hashes: bytes, key_id: str, signature: bytes
) -> SignedAnswer:
    """Return an answer with its path in its batch, of which the leaf hashes are given, joined."""
    hashes = [leaf_hashes[at : at + _HASH] for at in range(0, len(leaf_hashes), _HASH)]
    return SignedAnswer(
        answer=answer,
        index=index,
        size=len(hashes),
        path=merkle.path(hashes, index),
        key_id=key_id,
        signature=signature,
    )


def make_certificate(
    statement: Statement,
    answers: Mapping[tuple[str, bytes], SignedAnswer],
    amendments: Sequence[bytes],
    *,
    leaf: Leaf,
    proof: Proof,
    keys: PublishedKeys,
) -> Certificate:
    """Return the certificate of a closure.

    A signature of the checkpoint by a key that is not published any more is left out: nobody could
    check it.

    Args:
        statement: What the log's leaf names.
        answers: The recorded answers, by system and leaf hash; those after the closing are passed over.
        amendments: The applied amendments as they were sent, in order.
        leaf: The log's leaf.
        proof: Its place in the log.
        keys: The published keys.

    Raises:
        KeyError: An answer that the statement names is not there.
    """
    return Certificate(
        statement=statement,
        answers=tuple(
            answers[owed.system_id, one.leaf_hash]
            for owed in statement.obligations
            for one in owed.answers
        ),
        amendments=tuple(amendments),
        log=LogEntry(
            leaf=leaf,
            index=proof.index,
            proof=proof.hashes,
            checkpoint=_signed_by_known(proof.checkpoint, keys),
        ),
    )


def _signed_by_known(signed: str, keys: PublishedKeys) -> str:
    text, signatures = split_note(signed)
    known = {(one.name, one.id) for one in (*keys.log, *keys.witnesses)}
    lines = [one.line() for one in dict.fromkeys(signatures) if (one.name, one.id) in known]
    return f"{text}\n{''.join(lines)}"
