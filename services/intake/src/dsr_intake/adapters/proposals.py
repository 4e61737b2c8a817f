"""PostgreSQL: answers that people propose in place of systems."""

from __future__ import annotations

import asyncpg

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_intake.adapters.audit import audited
from dsr_intake.model import DecisionEntry, Proposal
from dsr_runtime.postgres import translated

__all__ = ["PostgresProposals", "approve"]


class PostgresProposals:
    """Keeps proposals; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def propose(self, proposal: Proposal) -> None:
        """Keep a proposal."""
        targets = [proposal.proposal_id, proposal.request_id, proposal.system_id]
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    """
                    insert into intake.settlements
                        (id, request_id, system_id, disposition, reason, proposed_by, proposed_at)
                    values ($1, $2, $3, $4, $5, $6, $7)
                    """,
                    proposal.proposal_id,
                    proposal.request_id,
                    proposal.system_id,
                    proposal.disposition.value,
                    proposal.reason,
                    proposal.proposed_by,
                    proposal.proposed_at,
                )
                await audited(connection, "settlement.propose", targets, proposal.reason)

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """Return a proposal, or none."""
        with translated():
            row = await self._pool.fetchrow(
                "select * from intake.settlements where id = $1", proposal_id
            )
        return _proposal(row) if row else None

    async def proposals(self, request_id: str) -> list[Proposal]:
        """Return what was proposed for a request, the oldest first."""
        with translated():
            rows = await self._pool.fetch(
                "select * from intake.settlements where request_id = $1 order by id", request_id
            )
        return [_proposal(row) for row in rows]


async def approve(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
    proposal_id: str,
    entry: DecisionEntry,
) -> None:
    """Write that a proposal is approved, in the caller's transaction.

    Raises:
        RuleViolation: It was approved before.
    """
    approved = await connection.fetchval(
        """
        update intake.settlements set approved_by = $2, approved_at = $3
        where id = $1 and approved_by is null returning true
        """,
        proposal_id,
        entry.decided_by,
        entry.recorded_at,
    )
    if not approved:
        raise RuleViolation("approved_before", "the proposal was approved before")


def _proposal(row: asyncpg.Record) -> Proposal:
    return Proposal(
        proposal_id=str(row["id"]),
        request_id=RequestId(str(row["request_id"])),
        system_id=SystemId(row["system_id"]),
        disposition=Disposition(row["disposition"]),
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
    )
