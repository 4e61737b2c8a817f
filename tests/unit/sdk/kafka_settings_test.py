"""What is told to Kafka's client, and what of its talk is shown. No connection is made."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from dsr_core.errors import Unavailable
from dsr_sdk import KafkaConnection
from dsr_sdk.kafka_bus import KafkaBus, client_arguments
from dsr_sdk.logs import SeldomKafka, log_to_stderr


def test_a_secured_connection_is_told_in_full() -> None:
    connection = KafkaConnection(bootstrap="a:1,b:2", username="organisation.acme", password="word")
    common = client_arguments(connection, "billing")
    assert common["bootstrap_servers"] == "a:1,b:2"
    assert common["sasl_mechanism"] == "SCRAM-SHA-512"
    assert common["sasl_plain_username"] == "organisation.acme"
    assert common["ssl_context"].check_hostname
    assert list(connection.faults()) == []


def test_a_plain_connection_sends_no_password() -> None:
    connection = KafkaConnection(bootstrap="a:1", security_protocol="PLAINTEXT")
    common = client_arguments(connection, "billing")
    assert "sasl_plain_password" not in common
    assert "ssl_context" not in common


def test_every_fault_of_a_connection_is_told() -> None:
    connection = KafkaConnection(bootstrap="a:1,b", ca_file=Path("nowhere.pem"))
    assert len(list(connection.faults())) == 3


async def test_a_bus_that_never_started_is_unavailable() -> None:
    bus = KafkaBus(KafkaConnection(bootstrap="a:1"), client_id="billing")
    await bus.stop()
    with pytest.raises(Unavailable, match="stopped"):
        await bus.poll(timeout=0, limit=1)


def a_line(name: str, level: int) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, "text", None, None)


def test_the_clients_complaints_are_shown_twice_a_minute() -> None:
    now = [0.0]
    seldom = SeldomKafka(lambda: now[0])
    assert seldom.filter(a_line("aiokafka.client", logging.ERROR))
    assert not seldom.filter(a_line("aiokafka.conn", logging.ERROR))
    assert seldom.filter(a_line("dsr_sdk", logging.INFO))
    now[0] = 31.0
    assert not seldom.filter(a_line("aiokafka.client", logging.INFO))
    assert seldom.filter(a_line("aiokafka.client", logging.ERROR))


def test_a_process_that_logs_already_is_left_alone() -> None:
    before = list(logging.getLogger().handlers)
    log_to_stderr()
    assert before
    assert logging.getLogger().handlers == before
