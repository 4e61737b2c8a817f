"""What the transparency log needs from outside, and the values that cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_wire.log.proofs import Proof

__all__ = ["LogReader", "LoggedClosure"]


@dataclass(frozen=True, slots=True)
class LoggedClosure:
    """A closure whose statement is fixed and stands in the log."""

    statement: bytes
    index: int
    """Of its leaf."""

    leaf: bytes
    """The leaf's bytes."""


class LogReader(Protocol):
    """Reads what is in the log."""

    async def closure(self, request_id: RequestId) -> LoggedClosure | None:
        """Return a request's closure as it stands in the log; none while it does not."""
        ...

    async def proof(self, index: int) -> Proof:
        """Return what shows a leaf under the newest checkpoint.

        Raises:
            ValueError: There is no such leaf.
        """
        ...
