"""Topics, logins and rights as Strimzi's custom resources, for a Kafka that runs in Kubernetes.

Written down for `kafka.strimzi.io/v1`. What they say is decided elsewhere: the table of topics, and the
plan of access.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from dsr_cli.kafka.access import Entry
from dsr_cli.kafka.quotas import Quota
from dsr_cli.kafka.topics import topic_config
from dsr_wire.topics import Topic

__all__ = ["topic_resources", "user_resources"]

_API = "kafka.strimzi.io/v1"

_RESOURCES = {"transactional_id": "transactionalId"}
"""Where Strimzi's name for a kind of resource is another than ours."""

_PATTERNS = {"literal": "literal", "prefixed": "prefix"}


def topic_resources(
    topics: Iterable[Topic], *, cluster: str, namespace: str | None, replicas: int
) -> Iterator[dict[str, Any]]:
    """Yield a KafkaTopic for each topic.

    Args:
        topics: What is to be there.
        cluster: The name of the Kafka resource.
        namespace: Where its topic operator looks; the caller's own unless given.
        replicas: Brokers that keep each record.
    """
    for topic in topics:
        yield {
            "apiVersion": _API,
            "kind": "KafkaTopic",
            "metadata": _metadata(topic.name, cluster, namespace),
            "spec": {
                "topicName": topic.name,
                "partitions": topic.partitions,
                "replicas": replicas,
                "config": topic_config(topic),
            },
        }


def user_resources(
    users: Iterable[str],
    entries: Iterable[Entry],
    quotas: dict[str, Quota],
    *,
    cluster: str,
    namespace: str | None,
) -> Iterator[dict[str, Any]]:
    """Yield a KafkaUser for each login, with its rights; the operator makes its password.

    Args:
        users: The logins.
        entries: What they may do.
        quotas: How much they may send and fetch, where that is limited.
        cluster: The name of the Kafka resource.
        namespace: Where its user operator looks; the caller's own unless given.
    """
    known = list(entries)
    for user in sorted(users):
        spec: dict[str, Any] = {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {
                "type": "simple",
                "acls": list(_rules(one for one in known if one.user == user)),
            },
        }
        if quota := quotas.get(user):
            spec["quotas"] = {
                "producerByteRate": int(quota["producer_byte_rate"]),
                "consumerByteRate": int(quota["consumer_byte_rate"]),
            }
        yield {
            "apiVersion": _API,
            "kind": "KafkaUser",
            "metadata": _metadata(user, cluster, namespace),
            "spec": spec,
        }


def _metadata(name: str, cluster: str, namespace: str | None) -> dict[str, Any]:
    return {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        "labels": {"strimzi.io/cluster": cluster},
    }


def _rules(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    """Yield one rule a resource, with all that may be done with it."""

    def resource(one: Entry) -> tuple[str, str, str, str, str]:
        return one.resource, one.pattern, one.name, one.permission, one.host

    for (kind, pattern, name, permission, host), group in groupby(
        sorted(entries, key=resource), resource
    ):
        named = {} if kind == "cluster" else {"name": name, "patternType": _PATTERNS[pattern]}
        yield {
            "type": permission,
            "host": host,
            "resource": {"type": _RESOURCES.get(kind, kind), **named},
            "operations": sorted(_operation(one.operation) for one in group),
        }


def _operation(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
