"""Checkpoints of the transparency log, as they are published."""

from __future__ import annotations

from dsr_contracts.v1 import checkpoints_pb2
from dsr_core.errors import RejectedInput
from dsr_wire.log.checkpoints import Checkpoint, read_checkpoint
from dsr_wire.log.notes import InvalidNote

__all__ = ["checkpoint_from_wire", "checkpoint_to_wire"]


def checkpoint_to_wire(note: str) -> checkpoints_pb2.CheckpointSigned:
    """Return a checkpoint's signed note as a message."""
    return checkpoints_pb2.CheckpointSigned(note=note)


def checkpoint_from_wire(message: checkpoints_pb2.CheckpointSigned) -> tuple[Checkpoint, str]:
    """Return the checkpoint that a message holds, and its signed note; who signed is not checked.

    Raises:
        RejectedInput: It is no checkpoint.
    """
    try:
        return read_checkpoint(message.note), message.note
    except InvalidNote as error:
        raise RejectedInput("invalid_field", str(error), field="note") from error
