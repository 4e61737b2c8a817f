"""Reading the suppression list from Kafka. Imported when it is asked for, since the client takes time."""

from __future__ import annotations

from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from dsr_contracts.v1 import suppressions_pb2
from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.suppressions import Suppression
from dsr_sdk.connection import KafkaConnection
from dsr_sdk.kafka_bus import client_arguments
from dsr_wire.codec.suppressions import suppression_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import SUPPRESSIONS

__all__ = ["listed"]


async def listed(connection: KafkaConnection) -> dict[bytes, Suppression]:
    """Return the entries of the list that have not ended, by their records' keys.

    Raises:
        Unavailable: Kafka is away, or does not let this login read the list.
    """
    consumer = AIOKafkaConsumer(**client_arguments(connection, "dsr-suppressions"))
    try:
        await consumer.start()
        try:
            return await _read(consumer)
        finally:
            await consumer.stop()
    except (KafkaError, OSError) as error:
        raise Unavailable(f"cannot read the suppression list: {type(error).__name__}") from error


async def _read(consumer: AIOKafkaConsumer) -> dict[bytes, Suppression]:
    partition = TopicPartition(SUPPRESSIONS.name, 0)
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    end = (await consumer.end_offsets([partition]))[partition]
    found: dict[bytes, Suppression] = {}
    while await consumer.position(partition) < end:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            for record in records:
                found.pop(record.key, None)
                if record.value:
                    with suppress(RejectedInput):  # what nobody can read lists nobody
                        message = decode(record.value, record.headers, suppressions_pb2.Suppression)
                        found[record.key] = suppression_from_wire(message)
    return found
