"""The transparency log in PostgreSQL, for reading."""

from __future__ import annotations

import asyncpg

from dsr_core.ids import RequestId
from dsr_verifier.log_ports import LoggedClosure
from dsr_wire.log.proofs import Proof

__all__ = ["Log"]


class Log:
    """What is in the log."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def closure(self, request_id: RequestId) -> LoggedClosure | None:
        """Return a request's closure as it stands in the log; none while it does not."""
        raise NotImplementedError

    async def proof(self, index: int) -> Proof:
        """Return what shows a leaf under the newest checkpoint."""
        raise NotImplementedError
