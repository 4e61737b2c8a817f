"""Whom one request is about, as it is kept: what letters and packages are addressed by."""

from __future__ import annotations

import asyncpg

from dsr_core.ids import RequestId
from dsr_intake.model import Member, WrappedKey
from dsr_runtime.postgres import translated

__all__ = ["addressee_of", "member_of"]


_KEPT = """
    select r.id, r.identity_ciphertext, k.wrapped_key, k.kek_id
    from intake.subject_requests r
    join intake_keys.request_keys k on k.request_id = r.id
    where r.identity_ciphertext is not null
"""


async def member_of(pool: asyncpg.Pool[asyncpg.Record], request_id: RequestId) -> Member | None:
    """Return a request's identity and key; none where it is destroyed."""
    with translated():
        row = await pool.fetchrow(f"{_KEPT} and r.id = $1", request_id)
    return None if row is None else _member(row)


async def addressee_of(pool: asyncpg.Pool[asyncpg.Record], request_id: RequestId) -> Member | None:
    """Return the identity and key of a request with letters: the one named, else one that repeats it."""
    with translated():
        row = await pool.fetchrow(
            f"{_KEPT} and r.letters and (r.id = $1 or r.duplicate_of = $1)"
            " order by r.id <> $1, r.id limit 1",
            request_id,
        )
    return None if row is None else _member(row)


def _member(row: asyncpg.Record) -> Member:
    key = WrappedKey(row["wrapped_key"], row["kek_id"])
    return Member(RequestId(str(row["id"])), row["identity_ciphertext"], key)
