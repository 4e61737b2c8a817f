"""The bus's contract on the stack's Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from contract.sdk.bus_suite import BusContract, BusFactory
from contract.sdk.kafka_buses import kafka_buses

from dsr_cli.stack import Stack
from dsr_sdk import KafkaConnection


class TestKafkaBus(BusContract):
    @pytest.fixture
    async def buses(self, stack: Stack) -> AsyncIterator[BusFactory]:
        credentials = stack.kafka_admin_credentials
        connection = KafkaConnection(
            bootstrap=stack.kafka_bootstrap,
            username=credentials.username,
            password=credentials.password,
            ca_file=stack.kafka_ca_file,
        )
        async with kafka_buses(connection) as factory:
            yield factory
