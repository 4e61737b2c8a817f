"""Buses on a real broker, for the contract suite; the user must be allowed to create topics."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.helpers import create_ssl_context
from contract.sdk.bus_suite import BusFactory

from dsr_sdk import KafkaConnection
from dsr_sdk.kafka_bus import KafkaBus


@asynccontextmanager
async def kafka_buses(connection: KafkaConnection) -> AsyncIterator[BusFactory]:
    """Yield a factory whose topics are gone afterwards."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=connection.bootstrap,
        security_protocol=connection.security_protocol,
        sasl_mechanism=connection.mechanism if connection.uses_sasl else "PLAIN",
        sasl_plain_username=connection.username,
        sasl_plain_password=connection.password,
        ssl_context=create_ssl_context(cafile=str(connection.ca_file)),
    )
    await admin.start()
    made: list[str] = []

    async def topic() -> str:
        name = f"test.{uuid.uuid4().hex}"
        await admin.create_topics([NewTopic(name, 3, 1)])
        made.append(name)
        return name

    nowhere = replace(connection, bootstrap="127.0.0.1:1")
    try:
        yield BusFactory(
            lambda: KafkaBus(connection, client_id="contract"),
            lambda: KafkaBus(nowhere, client_id="contract"),
            topic,
        )
    finally:
        await admin.delete_topics(made)
        await admin.close()
