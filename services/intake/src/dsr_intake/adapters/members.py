"""Whom one request is about, as it is kept: what letters and packages are addressed by."""

from __future__ import annotations

import asyncpg

from dsr_core.ids import RequestId
from dsr_intake.model import Member, WrappedKey
from dsr_runtime.postgres import translated

__all__ = ["member_of"]


async def member_of(pool: asyncpg.Pool[asyncpg.Record], request_id: RequestId) -> Member | None:
    """Return a request's identity and key; none where it is destroyed."""
    with translated():
        row = await pool.fetchrow(
            """
            select r.identity_ciphertext, k.wrapped_key, k.kek_id
            from intake.subject_requests r
            join intake_keys.request_keys k on k.request_id = r.id
            where r.id = $1 and r.identity_ciphertext is not null
            """,
            request_id,
        )
    if row is None:
        return None
    key = WrappedKey(row["wrapped_key"], row["kek_id"])
    return Member(request_id, row["identity_ciphertext"], key)
