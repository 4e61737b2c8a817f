"""Checks of the log's part: the leaf names the statement, the tree has the leaf, the log signed the tree."""

from __future__ import annotations

from collections.abc import Iterator

from dsr_wire.canonical import timestamp
from dsr_wire.certificate.form import Certificate, LogEntry
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.report import Check, failed, good, unchecked
from dsr_wire.log.checkpoints import Checkpoint, open_checkpoint, read_checkpoint
from dsr_wire.log.leaves import Kind
from dsr_wire.log.notes import InvalidNote, Note, NoteKey, split_note
from dsr_wire.log.proofs import ProofFailed, check_inclusion

__all__ = ["check_log"]


def check_log(
    certificate: Certificate, keys: PublishedKeys, *, kept: str | None
) -> Iterator[Check]:
    """Yield the checks of the statement's place in the log.

    Args:
        certificate: What is checked.
        keys: The published keys.
        kept: A checkpoint that somebody has kept, as a signed note.
    """
    entry = certificate.log
    digest = certificate.statement.digest.hex()
    if entry.leaf.kind is Kind.CLOSURE and entry.leaf.digest == digest:
        yield good(
            "statement", f"the statement's digest {digest[:16]}… is the one in the log's leaf"
        )
    else:
        yield failed("statement", "the log's leaf is not of this statement")
    if entry.leaf.at != certificate.statement.closed_at:
        yield failed("statement.closed_at", "the log's leaf says another time of closing")
    try:
        checkpoint, note = _opened(entry.checkpoint, keys)
    except InvalidNote as error:
        yield failed("log.checkpoint", str(error))
        try:
            checkpoint = read_checkpoint(entry.checkpoint)
        except InvalidNote:
            return
        yield _included(entry, checkpoint)
        return
    signed = f"{checkpoint.origin} signed the checkpoint of {checkpoint.size:,} leaves"
    yield good("log.checkpoint", signed)
    yield _included(entry, checkpoint)
    yield _witnessed(note, keys)
    yield _kept(checkpoint, kept, keys)


def _opened(signed: str, keys: PublishedKeys) -> tuple[Checkpoint, Note]:
    origin = read_checkpoint(signed).origin
    if origin not in {one.name for one in keys.log}:
        raise InvalidNote(f"the checkpoint is of {origin}, of which no key is published")
    checkpoint, note = open_checkpoint(signed, (*keys.log, *keys.witnesses), origin=origin)
    if note.unknown:
        names = ", ".join(sorted({one.name for one in note.unknown}))
        raise InvalidNote(f"signed by {names} with a key that is not among those published")
    if len(split_note(signed)[1]) != len(note.signatures):
        raise InvalidNote("one signature stands twice")
    return checkpoint, note


def _included(entry: LogEntry, checkpoint: Checkpoint) -> Check:
    try:
        check_inclusion(
            entry.leaf.hash(),
            index=entry.index,
            size=checkpoint.size,
            hashes=entry.proof,
            root=checkpoint.root,
        )
    except ProofFailed as error:
        return failed("log", f"the leaf is not shown to be in the log: {error}")
    since = timestamp(entry.leaf.at)
    return good("log", f"leaf {entry.index} of the log, of {since}, is in that checkpoint's tree")


def _witnessed(note: Note, keys: PublishedKeys) -> Check:
    known = {_name_of(one) for one in keys.witnesses}
    names = sorted(one.name for one in note.signatures if (one.name, one.id) in known)
    if names:
        return good("log.checkpoint", f"cosigned by {', '.join(names)}")
    why = "no witness has cosigned it: that all are shown one log is the log's own word"
    return unchecked("log.checkpoint", why)


def _kept(checkpoint: Checkpoint, kept: str | None, keys: PublishedKeys) -> Check:
    if kept is None:
        why = "whether it agrees with checkpoints that others keep: give one by --checkpoint"
        return unchecked("log.checkpoint", why)
    try:
        other, _ = _opened(kept, keys)
    except InvalidNote as error:
        return failed("log.checkpoint", f"the checkpoint that was kept: {error}")
    if other.origin != checkpoint.origin:
        return failed("log.checkpoint", "the checkpoint that was kept is another log's")
    if other.size != checkpoint.size:
        why = "the checkpoint that was kept is of another size: `dsr log check` asks for the proof"
        return unchecked("log.checkpoint", why)
    if other.root != checkpoint.root:
        return failed(
            "log.checkpoint", "the log was forked: the one that was kept has another root"
        )
    return good("log.checkpoint", "it is the checkpoint that was kept")


def _name_of(key: NoteKey) -> tuple[str, int]:
    return (key.name, key.id)
