"""Kafka: whether it answers, and whether topics, rights, dead letters and readers are as they should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

# The package exports these, but not in a way that a type checker sees.
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType

from dsr_cli.doctor.findings import Finding, fault, fine, warning
from dsr_cli.errors import CommandError
from dsr_cli.group.access_plan import differences, intended, present
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.faults import reason
from dsr_cli.kafka.topics import topic_config, topic_states
from dsr_core.registry import Registry
from dsr_wire.topics import Topic, all_topics, is_dead_letter, notice_topic

__all__ = ["brokers", "dead", "readers", "rights", "topics"]

_TIMEOUT_S = 8.0
_SHOWN = 3
_LAG_RECORDS = 10_000

_FIRST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the library's
_END = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # as above


def brokers(admin: KafkaAdmin) -> Iterator[Finding]:
    """Yield whether a broker answers, and how many there are."""
    found = admin.client().list_topics(timeout=_TIMEOUT_S)
    yield fine("kafka", f"{len(found.brokers)} brokers, {len(found.topics)} topics")


def topics(admin: KafkaAdmin, registry: Registry) -> Iterator[Finding]:
    """Yield how the topics differ from the topic table."""
    client, declared = admin.client(), all_topics(registry)
    states = topic_states(client, declared)
    absent = [one.topic.name for one in states if one.partitions is None]
    if absent:
        yield fault("topics", f"missing: {_some(absent)}", "`dsr topics create --reason WHY --yes`")
    fewer = [
        one.topic.name for one in states if one.partitions and one.partitions < one.topic.partitions
    ]
    if fewer:
        todo = "add partitions while nothing is under way: keys move (docs/operations.md)"
        yield warning("topics", f"fewer partitions than declared: {_some(fewer)}", todo)
    there = [one.topic for one in states if one.partitions is not None]
    wrong = list(_wrong_settings(client, there))
    for line in wrong:
        todo = "set it as the topic table says: `kafka-configs --alter`, or the KafkaTopic"
        yield fault("topics", line, todo)
    if not (absent or fewer or wrong):
        yield fine("topics", f"{len(there)} are as the topic table says")


def _wrong_settings(client: AdminClient, there: Sequence[Topic]) -> Iterator[str]:
    asked = {ConfigResource(ResourceType.TOPIC, one.name): one for one in there}
    for resource, future in client.describe_configs(
        list(asked), request_timeout=_TIMEOUT_S
    ).items():
        topic = asked[resource]
        try:
            found = future.result()
        except KafkaException as error:
            raise CommandError(f"the settings of {topic.name}: {reason(error)}") from error
        for name, value in topic_config(topic).items():
            if found[name].value != value:
                yield f"{topic.name}: {name} is {found[name].value}, and should be {value}"


def rights(admin: KafkaAdmin, registry: Registry) -> Iterator[Finding]:
    """Yield how logins, rights and quotas differ from what they should be."""
    changes = differences(intended(registry), present(admin))
    if not changes:
        yield fine("rights", "logins, rights and quotas are as the registry says")
        return
    todo = "`dsr acl plan` shows each; `dsr acl apply --reason WHY --yes`"
    lacking = [f"{one.user} may not {one.operation} {one.name}" for one in sorted(changes.granted)]
    lacking += [f"no login {one}" for one in sorted(changes.new_users)]
    if lacking:
        yield fault("rights", _some(lacking), todo)
    beyond = [f"{one.user} may {one.operation} {one.name}" for one in sorted(changes.revoked)]
    beyond += [f"login {one}" for one in sorted(changes.removed_users)]
    if beyond:
        yield fault("rights", f"more than it should be: {_some(beyond)}", todo)
    if changes.quotas:
        yield warning("rights", f"other quotas: {_some(sorted(changes.quotas))}", todo)


def dead(admin: KafkaAdmin) -> Iterator[Finding]:
    """Yield whether consumers have refused records that nobody has looked after."""
    client = admin.client()
    found = client.list_topics(timeout=_TIMEOUT_S).topics
    partitions = [
        TopicPartition(name, number)
        for name in sorted(found)
        if is_dead_letter(name)
        for number in found[name].partitions
    ]
    first, last = (_offsets(client, partitions, spec) for spec in (_FIRST, _END))
    kept: dict[str, int] = {}
    for place, end in last.items():
        kept[place[0]] = kept.get(place[0], 0) + end - first[place]
    full = {name: count for name, count in kept.items() if count}
    if full:
        seen = _some([f"{count} in {name}" for name, count in sorted(full.items())])
        yield warning("dead letters", seen, "`dsr dead-letters list` says why; mend, then replay")
    else:
        yield fine("dead letters", "none")


def readers(admin: KafkaAdmin, registry: Registry) -> Iterator[Finding]:
    """Yield which systems are behind with the notices of their organisation."""
    client = admin.client()
    there = client.list_topics(timeout=_TIMEOUT_S).topics
    slow, silent = [], []
    for system in registry.systems:
        group = f"dsr.organisation.{system.organisation_id}.{system.id}"
        names = [notice_topic(right, system.organisation_id).name for right in system.rights]
        wanted = [
            TopicPartition(name, number)
            for name in names
            if name in there
            for number in there[name].partitions
        ]
        if not wanted:
            continue
        behind, has_read = _behind(client, group, wanted)
        if not has_read:
            silent.append(system.id)
        elif behind > _LAG_RECORDS:
            slow.append(f"{system.id} by {behind}")
    todo = "its owner looks at the subscriber: `dsr registry show` names them"
    if silent:
        yield warning("systems", f"have never read a notice: {_some(silent)}", todo)
    if slow:
        yield warning("systems", f"behind: {_some(slow)}", todo)
    if not (silent or slow):
        yield fine("systems", f"all {len(registry.systems)} read their notices")


def _behind(client: AdminClient, group: str, wanted: Sequence[TopicPartition]) -> tuple[int, bool]:
    """Return how many records a group has not read, and whether it has ever committed."""
    asked = ConsumerGroupTopicPartitions(group, list(wanted))
    [future] = client.list_consumer_group_offsets([asked], request_timeout=_TIMEOUT_S).values()
    committed = {
        (one.topic, one.partition): one.offset
        for one in future.result().topic_partitions
        if one.offset >= 0
    }
    first, last = (_offsets(client, wanted, spec) for spec in (_FIRST, _END))
    behind = sum(end - committed.get(place, first[place]) for place, end in last.items())
    return behind, bool(committed) or not behind


def _offsets(
    client: AdminClient, partitions: Sequence[TopicPartition], spec: OffsetSpec
) -> dict[tuple[str, int], int]:
    if not partitions:
        return {}
    asked = client.list_offsets(dict.fromkeys(partitions, spec), request_timeout=_TIMEOUT_S)
    return {(one.topic, one.partition): future.result().offset for one, future in asked.items()}


def _some(lines: Sequence[str]) -> str:
    """Return the first few, and how many more there are."""
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return ", ".join(lines[:_SHOWN]) + more
