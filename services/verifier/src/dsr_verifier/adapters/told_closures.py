"""Closures that were told of before the database was put back to an earlier time.

`dsr reconcile` keeps them from `dsr.closures.v1`. They close nothing: once the answers are read again and
the closing rule closes a request by the same evidence, it was closed when it was, and all were told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dsr_core.ids import RequestId
from dsr_verifier.adapters.plans import Connection
from dsr_wire.codec.closures import Closure

__all__ = ["ToldClosures", "as_told", "told_closures"]

ToldClosures = Mapping[RequestId, tuple[datetime, bytes]]
"""When each was closed, and by what evidence."""

_TOLD = """
select t.request_id, t.closed_at, t.evidence_digest from verifier.closures_told t
where not exists (select from verifier.closures c where c.request_id = t.request_id)
"""


async def told_closures(connection: Connection) -> ToldClosures:
    """Return those whose closure is not recorded again yet; none but after a restore."""
    rows = await connection.fetch(_TOLD)
    return {
        RequestId(str(row["request_id"])): (row["closed_at"], bytes(row["evidence_digest"]))
        for row in rows
    }


def as_told(closures: Sequence[Closure], told: ToldClosures) -> tuple[list[Closure], list[Closure]]:
    """Return all closures, with the time that was told of them, and those that nobody was told of.

    Other evidence than was told of is news: it has its own time, and is told.
    """
    all_: list[Closure] = []
    news: list[Closure] = []
    for one in closures:
        known = told.get(one.request_id)
        if known is not None and known[1] == one.evidence_digest:
            all_.append(replace(one, closed_at=known[0]))
        else:
            all_.append(one)
            news.append(one)
    return all_, news
