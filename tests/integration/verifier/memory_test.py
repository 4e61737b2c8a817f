"""What waits for PostgreSQL waits in Kafka: a verifier's memory does not grow with it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from integration.verifier.processes import INPUTS, Verifier
from unit.verifier.world import a_new_request_id, answer

from dsr_cli.stack import Stack
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.signing import sign
from dsr_wire.topics import ACKNOWLEDGEMENTS
from support import parts
from support.topics import begin_at_the_end
from support.waiting import eventually
from support.wire import Wire

_MIB = 1_048_576
_RECORD = 256 * 1024
"""About the largest record that the SDK sends."""

_COUNT = 1200
_MOST = 120 * _MIB
"""Each partition's fetch, and what waits behind it; some 30 MiB were measured, and 300 were sent."""


async def test_large_answers_that_wait_for_postgresql_do_not_fill_the_memory(
    stack: Stack, kafka: KafkaConnection, database: str, tmp_path: Path
) -> None:
    group_id = f"dsr.verifier.test-{uuid.uuid4().hex[:8]}"
    await begin_at_the_end(kafka, group_id, INPUTS)
    record = _large_record(stack)
    address = urlsplit(database)
    assert address.hostname is not None
    assert address.port is not None
    publisher = Publisher(kafka, client_id="tests")
    await publisher.start()
    async with Wire(address.hostname, address.port) as wire:
        dsn = database.replace(f":{address.port}/", f":{wire.port}/")
        async with Verifier(kafka, dsn, group_id, tmp_path / "verifier.log") as verifier:
            before = await _resident(verifier)
            wire.cut()
            for place in range(0, _COUNT, 20):
                copies = [replace(record, key=b"%d" % (place + n)) for n in range(20)]
                await publisher.publish(copies)
            steady = [before]

            async def holds_what_it_will() -> bool:
                steady.append(await _resident(verifier))
                return len(steady) > 60 and max(steady[-50:]) - min(steady[-50:]) < _MIB

            await eventually(holds_what_it_will, within=60, what="no more is taken in")
            assert max(steady) - before < _MOST, f"{(max(steady) - before) / _MIB:.0f} MiB more"
    await publisher.stop()


def _large_record(stack: Stack) -> Outgoing:
    keys = parts.keys_of(stack, "newsletter")
    answers = [answer(a_new_request_id(), keys.system_id, reason="x" * 400) for _ in range(520)]
    record = encode(
        sign(answers, keys),
        topic=ACKNOWLEDGEMENTS.name,
        key=keys.system_id,
        event_id="e",
        source="a test",
        at=datetime.now(UTC),
    )
    assert 0.9 < len(record.value) / _RECORD < 1.1, len(record.value)
    return record


async def _resident(verifier: Verifier) -> float:
    async with httpx.AsyncClient(base_url=verifier.url) as client:
        text = (await client.get("/metrics")).text
    [line] = [one for one in text.splitlines() if one.startswith("process_resident_memory_bytes ")]
    return float(line.split()[1])
