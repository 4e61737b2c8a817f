"""An attached stack: it serves, keeps what it was given, and lets nobody else in."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from dsr_cli.stack import (
    Credentials,
    Grant,
    Stack,
    StackError,
    StackSettings,
    create_users,
    grant,
    probes,
)
from dsr_cli.stack.certificates import CertificateFolder, ensure_server


def _query(stack: Stack, sql: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(stack.postgres_dsn())
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def _admin(stack: Stack) -> AdminClient:
    login = stack.kafka_admin_credentials
    return probes.kafka_admin(
        stack.kafka_bootstrap, login.username, login.password, ca_file=stack.kafka_ca_file
    )


@pytest.fixture
def topic(stack: Stack) -> Iterator[str]:
    name = f"stack-test-{uuid.uuid4()}"
    admin = _admin(stack)
    admin.create_topics([NewTopic(name, 1, 1)])[name].result()
    yield name
    admin.delete_topics([name])[name].result()


def _produce(stack: Stack, login: Credentials, topic: str) -> None:
    outcomes: list[KafkaError | None] = []
    producer = Producer(
        {
            "bootstrap.servers": stack.kafka_bootstrap,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(stack.kafka_ca_file),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": login.username,
            "sasl.password": login.password,
        }
    )
    producer.produce(topic, b"value", on_delivery=lambda error, _: outcomes.append(error))
    producer.flush(10)
    [error] = outcomes
    if error is not None:
        raise KafkaException(error)


def test_every_part_answers(stack: Stack) -> None:
    states = {part.name: part.state for part in stack.status()}

    assert {"kafka", "temporal", "postgres"} <= states.keys()
    assert set(states.values()) == {"ready"}


def test_everything_listens_on_this_machine_alone(stack: Stack) -> None:
    for name in ("kafka", "temporal", "postgres"):
        pid = stack.pid(name)
        assert pid is not None
        listening = [
            connection.laddr.ip
            for connection in psutil.Process(pid).net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_topics_survive_a_restart_of_kafka(stack: Stack, topic: str) -> None:
    stack.restart("kafka")

    assert topic in _admin(stack).list_topics(timeout=10).topics


def test_rows_survive_kill_9_of_postgres(stack: Stack) -> None:
    _query(stack, "CREATE TABLE kept AS SELECT 7 AS number")

    stack.kill("postgres")
    assert not stack.is_running("postgres")
    stack.start("postgres")

    assert _query(stack, "SELECT number FROM kept") == 7


def test_temporal_comes_back_after_kill_9(stack: Stack) -> None:
    before = stack.pid("temporal")

    stack.kill("temporal")
    stack.start("temporal")

    assert stack.pid("temporal") not in {None, before}
    assert {"temporal": "ready"}.items() <= {p.name: p.state for p in stack.status()}.items()


def test_starting_what_runs_changes_nothing(stack: Stack) -> None:
    before = stack.pid("kafka")

    stack.start("kafka")

    assert stack.pid("kafka") == before


def test_login_may_do_only_what_it_is_granted(stack: Stack, topic: str) -> None:
    logins = create_users(stack, ["writer", "stranger"])
    writing = Grant(principal="writer", resource="topic", name=topic, operations=("write",))
    grant(stack, [writing])

    _produce(stack, logins["writer"], topic)
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        _produce(stack, logins["stranger"], topic)


def test_prefixed_grant_covers_names_that_begin_alike(stack: Stack, topic: str) -> None:
    login = create_users(stack, ["prefixed"])["prefixed"]
    name, operations = topic[:-4], ("write", "describe")
    prefixed = Grant(
        principal="prefixed",
        resource="topic",
        name=name,
        pattern="prefixed",
        operations=operations,
    )
    grant(stack, [prefixed])

    _produce(stack, login, topic)


def test_users_and_grants_may_be_repeated(stack: Stack, topic: str) -> None:
    reading = Grant(
        principal="again", resource="topic", name=topic, operations=("read", "describe")
    )
    group = Grant(principal="again", resource="group", name="again", operations=("read",))

    first = create_users(stack, ["again"])
    grant(stack, [reading, group])
    second = create_users(stack, ["again"])
    grant(stack, [reading, group])

    assert first == second


def test_wrong_password_is_refused(stack: Stack) -> None:
    assert not probes.kafka_logs_in(
        stack.kafka_bootstrap, "admin", "wrong", ca_file=stack.kafka_ca_file
    )


def test_a_certificate_of_another_authority_is_refused(stack: Stack, tmp_path: Path) -> None:
    other = CertificateFolder(tmp_path)
    ensure_server(other, "kafka", stack.settings.host, now=datetime.now(UTC))
    login = stack.kafka_admin_credentials

    assert probes.kafka_logs_in(
        stack.kafka_bootstrap, login.username, login.password, ca_file=stack.kafka_ca_file
    )
    assert not probes.kafka_logs_in(
        stack.kafka_bootstrap, login.username, login.password, ca_file=other.ca_file
    )


def test_a_password_is_not_taken_without_tls(stack: Stack) -> None:
    login = stack.kafka_admin_credentials
    plain = AdminClient(
        {
            "bootstrap.servers": stack.kafka_bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": login.username,
            "sasl.password": login.password,
        },
        logger=logging.getLogger("a test"),
    )
    with pytest.raises(KafkaException):
        plain.list_topics(timeout=2)


def test_second_stack_on_the_same_folder_is_refused(stack: Stack) -> None:
    second = Stack(stack.settings, attached=False)

    with pytest.raises(StackError, match=r"another stack is in use .*\(pid \d+\).*DSR_PORT_BASE="):
        second.up()
    with pytest.raises(StackError, match="another stack is in use"):
        second.down()
    with pytest.raises(StackError, match="another stack is in use"):
        second.reset()


def test_taken_port_is_named_with_its_holder(stack: Stack, tmp_path: Path) -> None:
    settings = StackSettings(
        checkout=stack.settings.checkout,
        port_base=stack.settings.port_base,
        data_dir=tmp_path / "data",
        cache_dir=stack.settings.cache_dir,
    )

    with pytest.raises(StackError) as caught:
        Stack(settings, attached=True).up()

    text = str(caught.value)
    assert f"port {settings.kafka_port} (kafka) is taken by java (pid {stack.pid('kafka')})" in text
    assert f"DSR_PORT_BASE={settings.next_port_base}" in text
    assert "\n" not in text
