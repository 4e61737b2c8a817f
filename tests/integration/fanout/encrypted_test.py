"""A cohort goes its whole way while Temporal can read nothing of it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.fanout.neighbours import Neighbours
from integration.fanout.running import Service, running

from dsr_cli.stack import Stack
from dsr_core.cohorts import workflow_id
from dsr_core.registry import Registry
from dsr_fanout.orders import PROGRESS_QUERY
from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.settings import TemporalSettings
from dsr_runtime.temporal import connect, connection_of
from support.payloads import decoded, fields, unexpected
from support.waiting import eventually

BOOKKEEPING = {
    "activation_index",
    "activity_id",
    "activity_type",
    "attempt",
    "backoff",
    "nanos",
    "seconds",
    "seq",
}
"""What the library itself writes beside a local activity's result, and no codec is asked about."""


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "payloads"
    file.write_text(base64.b64encode(b"a key of the tests".ljust(32)).decode())
    return file


@pytest.fixture(scope="module")
async def service(
    stack: Stack, kafka: KafkaConnection, registry: Registry, key_file: Path
) -> AsyncIterator[Service]:
    async with (
        Neighbours() as neighbours,
        running(
            stack, neighbours, kafka, registry, DSR_TEMPORAL_PAYLOAD_KEY_FILE=str(key_file)
        ) as service,
    ):
        yield service


async def test_a_cohort_is_told_and_answered_while_temporal_reads_nothing(
    service: Service, key_file: Path
) -> None:
    cohort = await service.accept(members=2)
    await eventually(lambda: service.notices(cohort), within=30)
    reader = await connect(
        connection_of(
            TemporalSettings.model_validate(
                {
                    "temporal_address": service.temporal.service_client.config.target_host,
                    "temporal_payload_key_file": key_file,
                }
            )
        )
    )
    handle = reader.get_workflow_handle(workflow_id(cohort.cohort_id))
    progress = await handle.query(PROGRESS_QUERY)
    assert progress

    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort))
    # Without the key: what Temporal itself has.
    bare = service.temporal.get_workflow_handle(workflow_id(cohort.cohort_id))
    history = json.loads((await bare.fetch_history()).to_json())
    names = {name for name, _ in fields(history)}
    assert "binary/encrypted" in names
    assert names - {"binary/encrypted"} <= BOOKKEEPING


async def test_a_live_history_holds_ids_and_dates_alone(service: Service, key_file: Path) -> None:
    """Once decrypted: what the recorded histories show of older code is so of today's."""
    cohort = await service.accept(members=3)
    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort), within=30)
    bare = service.temporal.get_workflow_handle(workflow_id(cohort.cohort_id))
    codec = connection_of(
        TemporalSettings.model_validate(
            {"temporal_address": "unused:1", "temporal_payload_key_file": key_file}
        )
    ).codec
    assert codec is not None
    history = json.loads((await bare.fetch_history()).to_json())
    found = list(fields(await decoded(history, codec)))
    assert {"request_ids", "due_at", "registry_digest"} <= {name for name, _ in found}
    assert unexpected(found) == []
