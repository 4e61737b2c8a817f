"""Kafka's rights: what one login may do, and granting it.

Only the mechanism is here. Who may do what derives from the table of topics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from confluent_kafka import KafkaException

# The package exports these, but not in a way that a type checker sees.
from confluent_kafka.admin._acl import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
)
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from dsr_cli.errors import CommandError
from dsr_cli.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka.admin import AdminClient

__all__ = ["CLUSTER", "Grant", "grant", "missing"]

Resource = Literal["topic", "group", "cluster", "transactional_id"]
Pattern = Literal["literal", "prefixed"]
Operation = Literal[
    "all",
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "describe",
    "describe_configs",
    "alter_configs",
    "idempotent_write",
]

CLUSTER = "kafka-cluster"
"""The one name that a resource of kind `cluster` has."""

_TIMEOUT = 15.0

_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    # The client library's older name for it.
    "cluster": ResourceType.BROKER,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one login may do with one resource, or with all whose names begin alike."""

    principal: str
    """The login's name, without `User:`."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    pattern: Pattern = "literal"


def grant(admin: AdminClient, grants: Iterable[Grant]) -> None:
    """Let logins do what they are granted, from now on; repeating it changes nothing.

    What was granted before stays granted.

    Raises:
        CommandError: Kafka refused, or the rights were not in force in time.
    """
    bindings = {binding for one in grants for binding in _bindings(one)}
    if not bindings:
        return
    try:
        for future in admin.create_acls(sorted(bindings), request_timeout=_TIMEOUT).values():
            future.result()
    except KafkaException as error:
        raise CommandError(f"cannot grant rights in Kafka: {error.args[0].str()}") from error
    if not wait_until(lambda: bindings <= _in_force(admin), timeout=_TIMEOUT):
        raise CommandError("rights were granted in Kafka and are not in force")


def missing(admin: AdminClient, grants: Iterable[Grant]) -> list[Grant]:
    """Return those of these grants that are not, or not wholly, in force.

    Raises:
        CommandError: Kafka does not show this login its rights.
    """
    known = _in_force(admin)
    return [one for one in grants if not known.issuperset(_bindings(one))]


def _bindings(one: Grant) -> list[AclBinding]:
    return [
        AclBinding(
            _RESOURCES[one.resource],
            one.name,
            ResourcePatternType[one.pattern.upper()],
            f"User:{one.principal}",
            "*",
            AclOperation[operation.upper()],
            AclPermissionType.ALLOW,
        )
        for operation in one.operations
    ]


def _in_force(admin: AdminClient) -> set[AclBinding]:
    everything = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # documented as "any", typed as if it were a binding
        ResourcePatternType.ANY,
        None,  # type: ignore[arg-type]  # as above
        None,  # type: ignore[arg-type]  # as above
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    try:
        return set(admin.describe_acls(everything, request_timeout=_TIMEOUT).result())
    except KafkaException as error:
        raise CommandError(f"cannot read the rights in Kafka: {error.args[0].str()}") from error
