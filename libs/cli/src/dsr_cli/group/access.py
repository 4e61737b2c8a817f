"""Access rights: derived from the topic table and the registry, so that nobody has more than it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dsr_cli.kafka.access import CLUSTER, Grant
from dsr_core.registry import Registry
from dsr_wire.topics import (
    ACKNOWLEDGEMENTS,
    INTAKE,
    OPERATOR,
    Principal,
    Topic,
    all_topics,
    is_dead_letter,
    organisation_principal,
)

__all__ = ["SERVICE_PRINCIPALS", "grants", "is_organisation", "is_ours", "principals"]

SERVICE_PRINCIPALS: tuple[Principal, ...] = ("intake", "fanout", "verifier")

_ORGANISATIONS = organisation_principal("")
_SEEN: tuple[Literal["topic", "group"], ...] = ("topic", "group")


def principals(registry: Registry) -> list[Principal]:
    """Return every Kafka user of the group: services, the operator, organisations with a system."""
    return [*SERVICE_PRINCIPALS, OPERATOR, *map(organisation_principal, _owners(registry))]


def is_organisation(principal: Principal) -> bool:
    """Tell whether a Kafka user is an organisation's, of whatever version of the registry."""
    return principal.startswith(_ORGANISATIONS)


def is_ours(principal: Principal) -> bool:
    """Tell whether a Kafka user's rights are ours to give and to take; others may share the cluster."""
    return principal in {*SERVICE_PRINCIPALS, OPERATOR} or is_organisation(principal)


def grants(registry: Registry) -> Iterator[Grant]:
    """Yield every right: services by the topic table, organisations to their own topics alone.

    The operator also creates topics, grants rights, sets quotas, and sends dead letters back to where
    they were.
    """
    known = set(principals(registry))
    for topic in all_topics(registry):
        for principal in known.intersection(topic.producers):
            yield _topic(principal, topic.name, "write")
        for principal in known.intersection(topic.consumers):
            yield _topic(principal, topic.name, "read")
        if OPERATOR not in topic.producers and not is_dead_letter(topic.name):
            yield _topic(OPERATOR, topic.name, "write")
    yield Grant(
        principal=OPERATOR,
        resource="cluster",
        name=CLUSTER,
        operations=("create", "alter", "describe", "alter_configs", "describe_configs"),
    )
    for service in (*SERVICE_PRINCIPALS, OPERATOR):
        yield _groups(service, f"dsr.{service}")
    yield from _console()
    for organisation_id in _owners(registry):
        principal = organisation_principal(organisation_id)
        yield _topic(principal, ACKNOWLEDGEMENTS.name, "write")
        for topic in _open(registry):
            yield _topic(principal, topic.name, "read")
        yield _groups(principal, f"dsr.{principal}.")


def _console() -> Iterator[Grant]:
    """Yield what intake's console needs: to see how far every group of ours is, and to read nothing."""
    for resource in _SEEN:
        yield Grant(
            principal=INTAKE,
            resource=resource,
            name="dsr.",
            operations=("describe",),
            pattern="prefixed",
        )


def _open(registry: Registry) -> list[Topic]:
    return [topic for topic in all_topics(registry) if topic.is_open]


def _owners(registry: Registry) -> list[str]:
    return sorted({system.organisation_id for system in registry.systems})


def _topic(principal: Principal, name: str, operation: Literal["read", "write"]) -> Grant:
    return Grant(
        principal=principal, resource="topic", name=name, operations=(operation, "describe")
    )


def _groups(principal: Principal, prefix: str) -> Grant:
    return Grant(
        principal=principal,
        resource="group",
        name=prefix,
        operations=("read", "describe"),
        pattern="prefixed",
    )
