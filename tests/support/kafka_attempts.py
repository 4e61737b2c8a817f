"""Tries everything on a real Kafka as one login, and says what was let through.

What is neither done nor refused for want of rights is a fault of the attempt, and raised as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import ClusterAuthorizationFailedError
from aiokafka.protocol.admin import DeleteRecordsRequest
from aiokafka.protocol.fetch import FetchRequest
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

# The package exports these, but not in a way that a type checker sees.
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewPartitions, NewTopic

from dsr_cli.errors import CommandError
from dsr_cli.group.access_plan import present
from dsr_cli.kafka.access import Entry, grant_entries
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.quotas import quotas, set_quotas
from dsr_cli.kafka.users import set_passwords

__all__ = ["BROKER", "TOPIC_OPERATIONS", "Attempts"]

BROKER = "1"

TOPIC_OPERATIONS = (
    "read",
    "write",
    "create",
    "add partitions",
    "alter configs",
    "describe configs",
    "delete records",
    "delete",
)

_REFUSED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
_DONE = {
    KafkaError.NO_ERROR,
    KafkaError.TOPIC_ALREADY_EXISTS,  # it would have been made, were it not there
    KafkaError.GROUP_ID_NOT_FOUND,  # it would have been deleted, were it there
}
_TIMEOUT = 20.0
_FETCHED = 64 * 1024

Allowed = dict[str, bool]


@dataclass(frozen=True, slots=True)
class Attempts:
    """One login's."""

    admin: KafkaAdmin

    def on_topics(self, names: list[str]) -> Mapping[str, Allowed]:
        """Try every operation on every topic; return by operation what was let through."""
        client = self.admin.client()
        return {
            "read": self._reads(names),
            "write": self._writes(names),
            "create": _outcomes(
                client.create_topics([NewTopic(name, 1, 1) for name in names], validate_only=True)
            ),
            "add partitions": _outcomes(
                client.create_partitions(
                    [NewPartitions(name, 99) for name in names], validate_only=True
                )
            ),
            "alter configs": _outcomes(
                client.incremental_alter_configs(
                    [_shorter(ConfigResource.Type.TOPIC, name) for name in names],
                    validate_only=True,
                )
            ),
            "describe configs": _outcomes(
                client.describe_configs(
                    [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
                )
            ),
            "delete records": self._deletes_records(names),
            "delete": _outcomes(client.delete_topics(names)),
        }

    def on_groups(self, groups: Iterable[str], topic: str) -> Mapping[str, Allowed]:
        """Try to look into, to move and to delete consumer groups."""
        client = self.admin.client()
        found: dict[str, Allowed] = {"describe": {}, "read": {}, "delete": {}}
        for group in groups:
            [described] = client.describe_consumer_groups([group]).values()
            found["describe"][group] = _is_done(described)
            offset = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 0)])
            [moved] = client.alter_consumer_group_offsets([offset]).values()
            found["read"][group] = _is_done(moved)
            [deleted] = client.delete_consumer_groups([group]).values()
            found["delete"][group] = _is_done(deleted)
        return found

    def on_the_cluster(self) -> Allowed:
        """Try what is granted for the whole cluster."""
        client = self.admin.client()
        me = self.admin.username
        closures = Entry(
            principal=f"User:{me}",
            resource="topic",
            pattern="literal",
            name="a-topic-of-nobody",
            operation="read",
        )
        broker = ConfigResource(ConfigResource.Type.BROKER, BROKER)
        return {
            "see logins and rights": _succeeds(lambda: present(self.admin)),
            "grant itself rights": _succeeds(lambda: grant_entries(client, [closures])),
            "make a login": _succeeds(lambda: set_passwords(client, {f"made-by-{me}": "x" * 20})),
            "see quotas": _succeeds(lambda: quotas(self.admin)),
            "lift its quota": _succeeds(
                lambda: set_quotas(self.admin, {me: {"producer_byte_rate": None}})
            ),
            "see the broker's settings": all(_outcomes(client.describe_configs([broker])).values()),
            "change the broker's settings": all(
                _outcomes(
                    client.incremental_alter_configs(
                        [_shorter(ConfigResource.Type.BROKER, BROKER, "log.retention.ms")],
                        validate_only=True,
                    )
                ).values()
            ),
            "make a topic": all(
                _outcomes(
                    client.create_topics([NewTopic("dsr.of-nobody.v1", 1, 1)], validate_only=True)
                ).values()
            ),
        }

    def begins_transactions(self, transactional_id: str) -> bool:
        """Try to have a transactional id."""
        producer = Producer({**self._config(), "transactional.id": transactional_id})
        try:
            producer.init_transactions(_TIMEOUT)
        except KafkaException as error:
            return _is_let_through(error)
        return True

    def _reads(self, names: list[str]) -> Allowed:
        """Fetch the first record of each topic, which must have one in its partition 0."""
        wanted = [(name, [(0, 0, _FETCHED)]) for name in names]
        answer = self._asked(FetchRequest(0, 1, _FETCHED * len(names), 0, wanted))
        found: Allowed = {}
        for name, [(_, code, *_, records)] in answer.topics:
            assert bool(records) == (code == 0), name
            found[name] = _is_allowed(code)
        return _all(names, found)

    def _deletes_records(self, names: list[str]) -> Allowed:
        request = DeleteRecordsRequest([(name, [(0, 0)]) for name in names], int(_TIMEOUT * 1000))
        found: Allowed = {}
        for name, [(_, _, code, *_)], *_ in self._asked(request).topics:
            found[name] = _is_allowed(code)
        return _all(names, found)

    def _asked(self, request: Any) -> Any:
        """Ask by the protocol itself.

        A client library looks topics up first, and says nothing of those that it is not shown.
        """

        async def ask() -> Any:
            client = AIOKafkaClient(**self.admin.connection.arguments())
            try:
                await client.bootstrap()
                return await client.send(client.get_random_node(), request)
            finally:
                await client.close()

        return asyncio.run(ask())

    def _writes(self, names: list[str]) -> Allowed:
        found: Allowed = {}

        def note(name: str) -> Callable[[KafkaError | None, Any], None]:
            return lambda error, _: found.update(
                {name: error is None or _is_let_through(KafkaException(error))}
            )

        producer = Producer({**self._config(), "acks": "all"})
        for name in names:
            producer.produce(name, b"tried", b"tried", partition=0, on_delivery=note(name))
        producer.flush(_TIMEOUT)
        return _all(names, found)

    def _config(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self.admin.bootstrap,
            "security.protocol": self.admin.security_protocol,
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": self.admin.username,
            "sasl.password": self.admin.password,
            "ssl.ca.location": str(self.admin.ca_file),
            "log_level": 0,
        }


def _all(names: list[str], found: Allowed) -> Allowed:
    silent = set(names) - found.keys()
    assert not silent, f"neither done nor refused: {sorted(silent)}"
    return found


def _shorter(kind: Any, name: str, setting: str = "retention.ms") -> ConfigResource:
    entry = ConfigEntry(setting, "1000", incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(kind, name, incremental_configs=[entry])


def _outcomes(futures: Mapping[Any, Future[Any]]) -> Allowed:
    return {_name(one): _is_done(future) for one, future in futures.items()}


def _name(key: Any) -> str:
    if isinstance(key, ConfigResource):
        return key.name
    return key.topic if isinstance(key, TopicPartition) else str(key)


def _is_done(future: Future[Any]) -> bool:
    try:
        found = future.result(_TIMEOUT)
    except KafkaException as error:
        return _is_let_through(error)
    for partition in getattr(found, "topic_partitions", None) or ():
        if getattr(partition, "error", None) is not None:
            return _is_let_through(KafkaException(partition.error))
    return True


def _is_let_through(error: KafkaException) -> bool:
    return _is_allowed(error.args[0].code())


def _is_allowed(code: int) -> bool:
    assert code in _REFUSED | _DONE, f"neither done nor refused: {KafkaError(code)}"
    return code in _DONE


def _succeeds(attempt: Callable[[], object]) -> bool:
    cause: BaseException | None = None
    try:
        attempt()
    except CommandError as error:
        cause = error.__cause__
    if isinstance(cause, KafkaException):
        return _is_let_through(cause)
    assert cause is None or isinstance(cause, ClusterAuthorizationFailedError), cause
    return cause is None
