"""Forging: what an attacker, a broken producer or a redelivery puts on the topics of a running loop.

Everything goes by Kafka's super user, so no right to a topic is in the way of a forged record.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from confluent_kafka import KafkaError, TopicPartition

from dsr_cli.connection import INTERNAL_TOKEN_SECRET
from dsr_cli.group.provision import kafka_admin
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.ids import RequestId, SystemId, uuid7
from dsr_core.rights import Disposition, Right
from dsr_examples.catalogue import EXAMPLES
from dsr_wire.envelope import Headers, Outgoing, encode
from dsr_wire.keys import SystemKeyPair
from dsr_wire.signing import sign
from dsr_wire.topics import (
    ACKNOWLEDGEMENTS,
    CLOSURES,
    LIFECYCLE,
    OBLIGATIONS,
    PHASES,
    REQUESTS,
    notice_topic,
)
from support.loop import Loop
from support.parts import ROOT, kafka_of, keys_of
from support.waiting import eventually

_TIMEOUT_S = 10.0

GROUPS: Mapping[str, tuple[str, ...]] = {
    REQUESTS.name: ("dsr.fanout.requests",),
    LIFECYCLE.name: ("dsr.fanout.lifecycle",),
    PHASES.name: ("dsr.fanout.phases",),
    OBLIGATIONS.name: ("dsr.verifier",),
    ACKNOWLEDGEMENTS.name: ("dsr.verifier",),
    CLOSURES.name: ("dsr.intake.closures",),
    **{
        notice_topic(right, organisation_id).name: tuple(
            f"dsr.organisation.{organisation_id}.{one.system_id}"
            for one in EXAMPLES
            if one.organisation_id == organisation_id
        )
        for right in (Right.ACCESS, Right.DELETION)
        for organisation_id in {one.organisation_id for one in EXAMPLES}
    },
}
"""The consumer groups of each topic that has some."""

NOTICE_TOPICS = tuple(sorted(name for name in GROUPS if name.startswith("dsr.deletion.")))


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as it lies in a topic, whatever it holds."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers | None
    partition: int = -1
    offset: int = -1


def a_new_id() -> str:
    """Return an id that nothing has yet."""
    return uuid7(int(datetime.now(UTC).timestamp() * 1000), secrets.token_bytes(10))


def an_answer(
    request_id: str,
    system_id: str,
    disposition: Disposition = Disposition.ERASED,
    *,
    right: Right = Right.DELETION,
    sequence: int = 1,
    **changes: Any,
) -> Acknowledgement:
    """Return an answer, to a deletion unless another right is named, given now."""
    return Acknowledgement(
        request_id=RequestId(request_id),
        system_id=SystemId(system_id),
        right=right,
        disposition=disposition,
        sequence=sequence,
        answered_at=datetime.now(UTC),
        **changes,
    )


def signed_record(
    answers: Sequence[Acknowledgement], keys: SystemKeyPair, **changes: Any
) -> Outgoing:
    """Return the record of a signed batch; `changes` are made to the message after it was signed."""
    message = sign(answers, keys)
    for name, value in changes.items():
        setattr(message, name, value)
    return encode(
        message,
        topic=ACKNOWLEDGEMENTS.name,
        key=answers[0].request_id,
        event_id=a_new_id(),
        source=f"system/{keys.system_id}",
        at=datetime.now(UTC),
    )


def acknowledge(loop: Loop, *answers: Acknowledgement, signer: str | None = None) -> Outgoing:
    """Send answers, signed with a registered key: their own system's unless another is named."""
    record = signed_record(answers, keys_of(loop.stack, signer or answers[0].system_id))
    send(loop, record)
    return record


def send(loop: Loop, *records: Outgoing | Raw, said_at: datetime | None = None) -> None:
    """Produce records as they are: nulls stay nulls; return when Kafka has them all.

    Args:
        loop: Where to.
        records: What.
        said_at: When the producer says that it was; now unless given.
    """
    failures: list[str] = []
    producer = kafka_admin(loop.stack).producer()
    for one in records:
        headers: list[tuple[str, str | bytes | None]] | None = None
        if one.headers is not None:
            headers = list(one.headers)
        producer.produce(
            one.topic,
            one.value,
            one.key,
            headers=headers,
            timestamp=int(said_at.timestamp() * 1000) if said_at else 0,
            on_delivery=lambda error, _: failures.append(str(error)) if error else None,
        )
    left = producer.flush(_TIMEOUT_S)
    assert not left, f"{left} records were not sent"
    assert not failures, failures


UNDER_A_BAD_NAME = b"under a bad name"
"""The value of a record with a header whose name is not UTF-8."""

_SENDING = """
import asyncio, json, sys
from pathlib import Path
from aiokafka import AIOKafkaProducer
from dsr_runtime.kafka import KafkaConnection
from support.names import BadName

async def send(connection, topics, value):
    reached = KafkaConnection(**{**connection, "ca_file": Path(connection["ca_file"])})
    async with AIOKafkaProducer(**reached.arguments()) as producer:
        for topic in topics:
            await producer.send_and_wait(
                topic, value.encode(), key=b"key", headers=[(BadName("name"), b"1")]
            )

asyncio.run(send(*json.load(sys.stdin)))
"""


async def send_under_a_bad_name(loop: Loop, topics: Sequence[str]) -> None:
    """Send a record with a header whose name is not UTF-8.

    No client here does; but aiokafka's writer in Python can be talked into it, in a process of its own.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _SENDING,
        env={**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1", "PYTHONPATH": str(ROOT / "tests")},
        stdin=asyncio.subprocess.PIPE,
    )
    connection = dataclasses.asdict(kafka_of(loop.stack))
    sent = [connection, list(topics), UNDER_A_BAD_NAME.decode()]
    await process.communicate(json.dumps(sent, default=str).encode())
    assert process.returncode == 0


def records(loop: Loop, topics: Iterable[str]) -> list[Raw]:
    """Return everything that lies in topics, in order a partition."""
    consumer = kafka_admin(loop.stack).consumer(**{"group.id": "dsr.operator.looking"})
    found: list[Raw] = []
    try:
        known = consumer.list_topics(timeout=_TIMEOUT_S).topics
        places = [TopicPartition(name, n, 0) for name in topics for n in known[name].partitions]
        filled = {
            (one.topic, one.partition)
            for one in places
            for start, end in [consumer.get_watermark_offsets(one, timeout=_TIMEOUT_S)]
            if end > start
        }
        consumer.assign([one for one in places if (one.topic, one.partition) in filled])
        while filled:
            message = consumer.poll(_TIMEOUT_S)
            assert message is not None, "Kafka does not answer"
            error = message.error()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error.str()
                filled.discard((message.topic(), message.partition()))
                continue
            found.append(
                Raw(
                    str(message.topic()),
                    message.key(),
                    message.value(),
                    _headers(message),
                    int(message.partition() or 0),
                    int(message.offset() or 0),
                )
            )
    finally:
        consumer.close()
    return found


def _headers(message: Any) -> Headers:
    # Confluent's client cannot tell the headers of such a record, and breaks when asked.
    return () if message.value() == UNDER_A_BAD_NAME else tuple(message.headers() or ())


async def consumed(loop: Loop, *topics: str, within: float = 60.0) -> None:
    """Wait until every consumer group of these topics has committed all that lies in them."""
    consumers = {
        group: kafka_admin(loop.stack).consumer(**{"group.id": group})
        for group in {group for topic in topics for group in GROUPS[topic]}
    }

    def behind() -> list[str]:
        return [
            f"{group} in {topic}"
            for topic in topics
            for group in GROUPS[topic]
            if _lag(consumers[group], topic)
        ]

    try:
        await eventually(lambda: not behind(), within=within, what=f"{topics} are consumed")
    finally:
        for consumer in consumers.values():
            consumer.close()


def _lag(consumer: Any, topic: str) -> int:
    partitions = consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
    places = consumer.committed([TopicPartition(topic, n) for n in partitions], _TIMEOUT_S)
    lag = 0
    for one in places:
        start, end = consumer.get_watermark_offsets(one, timeout=_TIMEOUT_S)
        lag += end - (one.offset if one.offset >= 0 else start)
    return lag


async def metric(loop: Loop, service: str, name: str, **labels: str) -> float:
    """Return one number of a service's /metrics; zero where it has not been counted yet."""
    urls = {
        "intake": loop.stack.settings.intake_url,
        "fanout": loop.stack.settings.fanout_url,
        "verifier": loop.stack.settings.verifier_url,
    }
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{urls[service]}/metrics")).text
    for line in text.splitlines():
        found, _, value = line.rpartition(" ")
        series, _, rest = found.partition("{")
        if series == name and all(f'{key}="{given}"' in rest for key, given in labels.items()):
            return float(value)
    return 0.0


def internal_token(loop: Loop) -> str:
    """Return the token that the services share."""
    return loop.stack.secrets.secret(INTERNAL_TOKEN_SECRET)
