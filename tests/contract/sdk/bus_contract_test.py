"""The bus's contract on the fake; `integration/sdk/kafka_bus_test.py` holds Kafka to the same."""

from __future__ import annotations

import pytest
from contract.sdk.bus_suite import BusContract, BusFactory

from dsr_sdk.testing import FakeBroker, FakeBus


class TestFakeBus(BusContract):
    @pytest.fixture
    def buses(self) -> BusFactory:
        broker, away = FakeBroker(), FakeBroker()
        away.is_away = True
        names = iter(range(100))

        async def topic() -> str:
            return f"topic-{next(names)}"

        return BusFactory(lambda: FakeBus(broker), lambda: FakeBus(away), topic)
