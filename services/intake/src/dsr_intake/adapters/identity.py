"""PostgreSQL: the proof of who asks, with everything that follows from it."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

from dsr_core.errors import RuleViolation
from dsr_core.lifecycle import State
from dsr_intake.adapters.decisions import Connection, keep
from dsr_intake.adapters.duplicates import open_twins_of
from dsr_intake.adapters.suppressions import list_opened
from dsr_intake.model import AuthorityShown, Proof
from dsr_intake.ports.identity import Repeated
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated

__all__ = ["PostgresIdentity"]


class PostgresIdentity:
    """Keeps proofs; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def prove(
        self, proof: Proof, *, decide: Callable[[State], State], repeated: Repeated
    ) -> None:
        """Record the proof, the new state and date, and what is told of them, in one transaction."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                found = await connection.fetchrow(
                    "select state, person_hash from intake.subject_requests"
                    " where id = $1 for update",
                    proof.request_id,
                )
                if found is None:
                    raise RuntimeError("a request that is proven exists")
                state = decide(State(found["state"]))
                original = repeated(await open_twins_of(connection, found["person_hash"]))
                await connection.execute(
                    """
                    update intake.subject_requests
                    set state = $2, identity_method = $3, identity_proven_at = $4,
                        identity_reason = $5, commands = commands + 1, decided_at = now(),
                        duplicate_of = $6,
                        related_to = case when $6::uuid is null then related_to end,
                        revision = pg_current_xact_id()::text::bigint
                    where id = $1
                    """,
                    proof.request_id,
                    state.value,
                    proof.method,
                    proof.entry.effective_at,
                    proof.entry.reason,
                    original.request_id if original else None,
                )
                at = proof.entry.recorded_at
                await list_opened(connection, proof.request_id, state, at=at)
                await keep(connection, proof.entry)
                if proof.authority is not None:
                    await _show(connection, proof.authority)
                await connection.execute(
                    """
                    update intake.cohorts
                    set first_due_at = coalesce(first_due_at, due_at), due_at = $2 where id = $1
                    """,
                    proof.cohort_id,
                    min(proof.due_at, original.due_at) if original else proof.due_at,
                )
                if proof.code_number is not None:
                    await _use(connection, proof)
                told = proof.records if original else (proof.command, *proof.records)
                await enqueue(connection, "intake", told)

    async def authorise(self, shown: AuthorityShown, *, decide: Callable[[State], State]) -> None:
        """Record that a requester may ask, the new state, and what is told of it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                request_id, at = shown.entry.request_id, shown.entry.recorded_at
                found = await connection.fetchval(
                    "select state from intake.subject_requests where id = $1 for update", request_id
                )
                state = decide(State(found))
                await connection.execute(
                    """
                    update intake.subject_requests
                    set state = $2, revision = pg_current_xact_id()::text::bigint where id = $1
                    """,
                    request_id,
                    state.value,
                )
                await list_opened(connection, request_id, state, at=at)
                await _show(connection, shown)
                await enqueue(connection, "intake", shown.records)


async def _show(connection: Connection, shown: AuthorityShown) -> None:
    entry = shown.entry
    await connection.execute(
        """
        update intake.subject_requests
        set authority_proven_at = $2, authority_reason = $3 where id = $1
        """,
        entry.request_id,
        entry.effective_at,
        entry.reason,
    )
    await keep(connection, entry)


async def _use(connection: Connection, proof: Proof) -> None:
    status = await connection.execute(
        """
        update intake.identity_codes set used_at = $3
        where request_id = $1 and number = $2 and used_at is null
        """,
        proof.request_id,
        proof.code_number,
        proof.entry.effective_at,
    )
    if status.endswith(" 0"):
        raise RuleViolation("proof_used", "the code was used, or followed by another")
