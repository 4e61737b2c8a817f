"""A checkpoint travels as the note that it is."""

from __future__ import annotations

import pytest

from dsr_core.errors import RejectedInput
from dsr_wire.codec.checkpoints import checkpoint_from_wire, checkpoint_to_wire
from dsr_wire.log.checkpoints import Checkpoint, sign_checkpoint
from dsr_wire.log.notes import NoteSigner


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    checkpoint = Checkpoint("log.example.test", 3, b"r" * 32)
    note = sign_checkpoint(checkpoint, [NoteSigner.generate("log.example.test")])
    assert checkpoint_from_wire(checkpoint_to_wire(note)) == (checkpoint, note)


@pytest.mark.parametrize("note", ["", "log.example.test\n3\n"])
def test_what_is_no_checkpoint_is_refused_by_the_field(note: str) -> None:
    with pytest.raises(RejectedInput) as refused:
        checkpoint_from_wire(checkpoint_to_wire(note))
    assert refused.value.field == "note"
