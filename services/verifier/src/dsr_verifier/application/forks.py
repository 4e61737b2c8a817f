"""Forks: what was published once is never contradicted; a log that would do so appends nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from dsr_wire.log.checkpoints import Checkpoint

__all__ = ["Difference", "Fork", "fork_of"]


class Difference(StrEnum):
    """How the log in the database differs from what was published."""

    SHORTER = "shorter"
    """It lacks leaves that were published: the database was put back to an earlier time."""

    CONTRADICTING = "contradicting"
    """It has other leaves than were published, or tiles that are not its checkpoint's."""


class Fork(Exception):  # noqa: N818 - what it is, not that it is an error
    """To append would contradict what was published. Only an operator can say what is true."""

    def __init__(self, difference: Difference, detail: str) -> None:
        super().__init__(f"{difference.value}: {detail}")
        self.difference = difference

    @classmethod
    def contradicting(cls, size: int) -> Self:
        """Return the fault of tiles that are not what the log's own checkpoint of a size says."""
        detail = f"the tiles are not those of the checkpoint of {size} leaves"
        return cls(Difference.CONTRADICTING, detail)


def fork_of(published: Checkpoint, size: int, root: bytes | None) -> Fork | None:
    """Return how a log differs from a checkpoint that was published, or none where it goes on from it.

    Args:
        published: What others have been told.
        size: How many leaves the log has.
        root: The log's root at the published size; none where it is shorter.
    """
    if root is None:
        detail = f"{published.size} leaves were published, and the database has {size}"
        return Fork(Difference.SHORTER, detail)
    if root != published.root:
        detail = f"the root that was published for {published.size} leaves is another one"
        return Fork(Difference.CONTRADICTING, detail)
    return None
