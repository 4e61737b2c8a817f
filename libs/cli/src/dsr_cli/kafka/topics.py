"""Topics: made from the one table in `dsr_wire.topics`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from dsr_cli.errors import CommandError
from dsr_wire.topics import Topic

__all__ = ["TopicState", "create_topics", "topic_config", "topic_states"]

_TIMEOUT_S = 30.0
_FOREVER = -1


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic of the table, and whether Kafka has it."""

    topic: Topic
    partitions: int | None
    """As Kafka has it; none where it is missing."""


def topic_states(client: AdminClient, topics: Iterable[Topic]) -> list[TopicState]:
    """Return each topic with what Kafka has of it, in the given order."""
    found = client.list_topics(timeout=_TIMEOUT_S).topics
    return [
        TopicState(topic, len(found[topic.name].partitions) if topic.name in found else None)
        for topic in topics
    ]


def create_topics(client: AdminClient, topics: Iterable[Topic]) -> list[str]:
    """Create what is missing, and return the names that were created; safe to repeat.

    Raises:
        CommandError: Kafka refused one; the text says which and why.
    """
    missing = [state.topic for state in topic_states(client, topics) if state.partitions is None]
    if not missing:
        return []
    created = []
    futures = client.create_topics([_new(topic) for topic in missing], operation_timeout=_TIMEOUT_S)
    for name, future in futures.items():
        try:
            future.result(_TIMEOUT_S)
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise CommandError(f"topic {name}: {error.args[0].str()}") from error
    return created


def topic_config(topic: Topic) -> dict[str, str]:
    """Return a topic's settings in Kafka's words."""
    retention_ms = (
        int(topic.retention.total_seconds() * 1000) if topic.retention is not None else _FOREVER
    )
    lag_ms = int(topic.compaction_lag.total_seconds() * 1000) if topic.compaction_lag else 0
    return {
        "cleanup.policy": topic.cleanup.value,
        "retention.ms": str(retention_ms),
        "min.compaction.lag.ms": str(lag_ms),
        "message.timestamp.type": "LogAppendTime" if topic.stamped_by_brokers else "CreateTime",
    }


def _new(topic: Topic) -> NewTopic:
    return NewTopic(
        topic.name,
        num_partitions=topic.partitions,
        replication_factor=-1,
        config=topic_config(topic),
    )
