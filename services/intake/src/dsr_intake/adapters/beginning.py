"""PostgreSQL: what was decided about requests before they came, in the transaction that accepts them."""

from __future__ import annotations

import asyncpg

from dsr_intake.adapters.closing import write
from dsr_intake.adapters.decisions import keep
from dsr_intake.model import Acceptance, Answer, Beginning, Draft
from dsr_wire.envelope import Outgoing

__all__ = ["begin"]


async def begin(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
    acceptance: Acceptance,
) -> None:
    """Write what was decided, after the requests are written; nothing where nothing was."""
    made: list[Answer] = []
    told: list[Outgoing] = []
    for formed in acceptance.cohorts:
        member = formed.members[0]
        if member.beginning is None:
            continue
        await _decided(connection, member, member.beginning)
        if member.beginning.answer is not None:
            made.append(member.beginning.answer)
            told.extend(member.beginning.records)
    if made:
        await write(connection, made, tell=lambda _made, _over: told, at=made[0].closed_at)


async def _decided(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], member: Draft, start: Beginning
) -> None:
    for entry in start.entries:
        await keep(connection, entry)
    await connection.execute(
        "update intake.subject_requests set commands = $2 where id = $1",
        member.request_id,
        len(start.entries),
    )
    for one in start.held:
        await connection.execute(
            """
            insert into intake.held_requests (request_id, hold_id, system_ids, held_at)
            values ($1, $2, $3, $4)
            """,
            one.request_id,
            one.hold.hold_id,
            one.system_ids,
            one.held_at,
        )
