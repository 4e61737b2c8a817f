"""Closing requests as the verifier does, and waiting until intake has answered them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from dsr_core.ids import CohortId, RequestId
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.closures import closures_to_wire
from dsr_wire.envelope import encode
from dsr_wire.topics import CLOSURES
from support.builders import a_closure
from support.waiting import eventually

__all__ = ["answer"]


async def answer(
    kafka: KafkaConnection, pool: asyncpg.Pool[asyncpg.Record], ids: Sequence[str]
) -> None:
    """Close requests as fulfilled; returns when their keys are destroyed."""
    publisher = Publisher(kafka, client_id="tests")
    await publisher.start()
    rows = await pool.fetch(
        "select id::text, cohort_id::text from intake.subject_requests where id = any($1::uuid[])",
        ids,
    )
    for request_id, cohort_id in rows:
        closure = a_closure(request_id=RequestId(request_id), cohort_id=CohortId(cohort_id))
        record = encode(
            closures_to_wire(CohortId(cohort_id), [closure]),
            topic=CLOSURES.name,
            key=cohort_id,
            event_id=request_id,
            source="verifier",
            at=datetime.now(UTC),
        )
        await publisher.publish([record])
    await publisher.stop()

    async def are_gone() -> bool:
        return not await pool.fetchval(
            "select count(*) from intake_keys.request_keys where request_id = any($1::uuid[])", ids
        )

    await eventually(are_gone, within=30)
