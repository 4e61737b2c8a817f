"""Kafka's rights: what one login may do, granting it, and taking it back.

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
from dsr_cli.kafka.faults import reason
from dsr_cli.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka.admin import AdminClient

__all__ = [
    "CLUSTER",
    "UNKNOWN",
    "Entry",
    "Grant",
    "entries",
    "entries_of",
    "grant",
    "grant_entries",
    "missing",
    "revoke_entries",
]

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
_NAMES = {kind: name for name, kind in _RESOURCES.items()}

UNKNOWN = "unknown"
"""What the client library calls a resource or an operation that is newer than it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one login may do with one resource, or with all whose names begin alike."""

    principal: str
    """The login's name, without `User:`."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    pattern: Pattern = "literal"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entry:
    """One entry of Kafka's list, in Kafka's own words: one operation on one resource."""

    principal: str
    """Whom it is about, as `User:` and the login's name."""

    resource: str
    pattern: str
    name: str
    operation: str
    permission: str = "allow"
    host: str = "*"

    @property
    def user(self) -> str:
        """The login's name."""
        return self.principal.removeprefix("User:")


def entries_of(grants: Iterable[Grant]) -> frozenset[Entry]:
    """Return what is in Kafka's list once all of these are granted."""
    return frozenset(
        Entry(
            principal=f"User:{one.principal}",
            resource=one.resource,
            pattern=one.pattern,
            name=one.name,
            operation=operation,
        )
        for one in grants
        for operation in one.operations
    )


def entries(admin: AdminClient) -> frozenset[Entry]:
    """Return everything that is in force, where `require_view_of_rights` has returned before.

    Raises:
        CommandError: Kafka cannot be asked.
    """
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
        found = admin.describe_acls(everything, request_timeout=_TIMEOUT).result()
    except KafkaException as error:
        raise CommandError(f"cannot read the rights in Kafka: {reason(error)}") from error
    return frozenset(map(_entry, found))


def grant(admin: AdminClient, grants: Iterable[Grant]) -> None:
    """Let logins do what they are granted, from now on; repeating it changes nothing.

    What was granted before stays granted.

    Raises:
        CommandError: Kafka refused, or the rights were not in force in time.
    """
    grant_entries(admin, entries_of(grants))


def grant_entries(admin: AdminClient, added: Iterable[Entry]) -> None:
    """Have these entries in the list; repeating it changes nothing.

    Raises:
        CommandError: Kafka refused, or they were not in force in time.
    """
    wanted = frozenset(added)
    if not wanted:
        return
    bindings = [AclBinding(*_fields(one)) for one in sorted(wanted)]
    try:
        for future in admin.create_acls(bindings, request_timeout=_TIMEOUT).values():
            future.result()
    except KafkaException as error:
        raise CommandError(f"cannot grant rights in Kafka: {reason(error)}") from error
    if not wait_until(lambda: wanted <= entries(admin), timeout=_TIMEOUT):
        raise CommandError("rights were granted in Kafka and are not in force")


def revoke_entries(admin: AdminClient, removed: Iterable[Entry]) -> None:
    """Have these entries, and no others, out of the list; repeating it changes nothing.

    Raises:
        CommandError: Kafka refused, or they were still in force after a time.
    """
    unwanted = frozenset(removed)
    if not unwanted:
        return
    filters = [AclBindingFilter(*_fields(one)) for one in sorted(unwanted)]
    try:
        for future in admin.delete_acls(filters, request_timeout=_TIMEOUT).values():
            future.result()
    except KafkaException as error:
        raise CommandError(f"cannot take back rights in Kafka: {reason(error)}") from error
    if not wait_until(lambda: not unwanted & entries(admin), timeout=_TIMEOUT):
        raise CommandError("rights were taken back in Kafka and are still in force")


def missing(admin: AdminClient, grants: Iterable[Grant]) -> list[Grant]:
    """Return those of these grants that are not, or not wholly, in force; see `entries`.

    Raises:
        CommandError: Kafka cannot be asked.
    """
    known = entries(admin)
    return [one for one in grants if not known >= entries_of([one])]


def _fields(
    one: Entry,
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    return (
        _RESOURCES[one.resource],
        one.name,
        ResourcePatternType[one.pattern.upper()],
        one.principal,
        one.host,
        AclOperation[one.operation.upper()],
        AclPermissionType[one.permission.upper()],
    )


def _entry(binding: AclBinding) -> Entry:
    return Entry(
        principal=binding.principal,
        resource=_NAMES.get(ResourceType(binding.restype), UNKNOWN),
        pattern=ResourcePatternType(binding.resource_pattern_type).name.lower(),
        name=binding.name,
        operation=AclOperation(binding.operation).name.lower(),
        permission=AclPermissionType(binding.permission_type).name.lower(),
        host=binding.host,
    )
