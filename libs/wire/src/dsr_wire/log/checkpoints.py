"""Checkpoints: C2SP tlog-checkpoint. A log's size and root, as the text of a signed note."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dsr_wire.log.notes import (
    ED25519,
    InvalidNote,
    Note,
    NoteKey,
    NoteSigner,
    from_base64,
    open_note,
    sign_note,
    split_note,
    to_base64,
)

__all__ = ["Checkpoint", "open_checkpoint", "read_checkpoint", "sign_checkpoint"]

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at one moment."""

    origin: str
    """Which log."""

    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read what `text` wrote. Extension lines are refused: this log writes none.

        Raises:
            InvalidNote: It is no checkpoint.
        """
        lines = text.split("\n")
        if len(lines) != 4 or not lines[0] or lines[3]:
            raise InvalidNote("a checkpoint has three lines")
        origin, size, root, _ = lines
        if not _SIZE.fullmatch(size):
            raise InvalidNote("a checkpoint's size is a number")
        try:
            raw = from_base64(root)
        except ValueError as error:
            raise InvalidNote("a checkpoint's root is base64") from error
        if len(raw) != _HASH_BYTES:
            raise InvalidNote("a checkpoint's root is a hash")
        return cls(origin, int(size), raw)


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[NoteSigner]) -> str:
    """Return the checkpoint as a signed note."""
    return sign_note(checkpoint.text(), signers)


def open_checkpoint(
    signed: str, keys: Iterable[NoteKey], *, origin: str
) -> tuple[Checkpoint, Note]:
    """Return the checkpoint that the log's own key signed, and the note with who signed it.

    Raises:
        InvalidNote: It is malformed, another log's, not signed by a key with the log's name, or a
            known key's signature is bad.
    """
    known = tuple(keys)
    note = open_note(signed, known)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise InvalidNote("the checkpoint is another log's")
    own = {one.id for one in known if one.name == origin and one.kind == ED25519}
    if not any(one.name == origin and one.id in own for one in note.signatures):
        raise InvalidNote("the log did not sign the checkpoint")
    return checkpoint, note


def read_checkpoint(signed: str) -> Checkpoint:
    """Return the checkpoint in a note without checking who signed it.

    Raises:
        InvalidNote: It is malformed.
    """
    text, _ = split_note(signed)
    return Checkpoint.parse(text)
