"""Links that answers hold: passed on to intake, sealed as they came, in the transaction that records them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dsr_runtime.outbox import enqueue
from dsr_verifier.adapters import arrays
from dsr_verifier.adapters.dead_letters import SERVICE
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.ports import Answer
from dsr_wire.codec.links import LinksFound, links_found_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import LINKS

__all__ = ["tell_links"]

_ADD = """
insert into verifier.links_told (request_id, system_id, sequence, told_at)
select n.*, $4 from unnest($1::text::uuid[], $2::text::text[], $3::text::bigint[]) as n
on conflict do nothing
"""


async def tell_links(
    connection: Connection, schema: str, answers: Sequence[Answer], at: datetime
) -> None:
    """Tell intake of the links of answers when the transaction commits.

    Of two answers under one number both are told of: which counts is not decided here.
    """
    found = [one.acknowledgement for one in answers]
    await connection.execute(
        _ADD,
        arrays.bare(one.request_id for one in found),
        arrays.words(one.system_id for one in found),
        arrays.bare(one.sequence for one in found),
        at,
    )
    await enqueue(connection, schema, [_record(one, at) for one in answers])


def _record(answer: Answer, at: datetime) -> Outgoing:
    one = answer.acknowledgement
    found = LinksFound(
        request_id=one.request_id,
        system_id=one.system_id,
        sequence=one.sequence,
        answered_at=one.answered_at,
        sealed=one.sealed_links,
    )
    return encode(
        links_found_to_wire(found),
        topic=LINKS.name,
        key=one.request_id,
        event_id=f"links-{answer.leaf_hash.hex()[:32]}",
        source=SERVICE,
        at=at,
    )
