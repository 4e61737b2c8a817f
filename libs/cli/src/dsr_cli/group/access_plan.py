"""Who may do what in Kafka: what should be, what is, and how to get from one to the other.

Only logins that are ours are touched. What forbids something stays, whoever wrote it: an operator
that shuts an organisation out for an hour is not overruled by a repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from dsr_cli.group.access import grants, is_organisation, is_ours, principals
from dsr_cli.kafka.access import (
    UNKNOWN,
    Entry,
    entries,
    entries_of,
    grant_entries,
    revoke_entries,
)
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.protocol import require_view_of_rights
from dsr_cli.kafka.quotas import Quota, quotas, set_quotas
from dsr_cli.kafka.users import remove_users, set_passwords, users
from dsr_core.registry import Registry

__all__ = [
    "ORGANISATION_QUOTA",
    "Access",
    "Changes",
    "apply",
    "differences",
    "intended",
    "organisation_quota",
    "present",
]


def organisation_quota(*, sends: float, fetches: float) -> Quota:
    """Return the limits of one organisation's login, in bytes a second and broker."""
    return {"producer_byte_rate": float(sends), "consumer_byte_rate": float(fetches)}


ORGANISATION_QUOTA = organisation_quota(sends=2 * 1024 * 1024, fetches=16 * 1024 * 1024)
"""Unless another is set: about 10,000 answers a second, and twenty times the notices of that."""


@dataclass(frozen=True, slots=True)
class Access:
    """Logins, their rights and their quotas: as they should be, or as Kafka has them."""

    users: frozenset[str]
    entries: frozenset[Entry]
    quotas: Mapping[str, Quota]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What leads from what Kafka has to what it should have."""

    new_users: frozenset[str] = frozenset()
    granted: frozenset[Entry] = frozenset()
    quotas: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """By login and limit; none where it is to have that limit no more."""

    revoked: frozenset[Entry] = frozenset()
    removed_users: frozenset[str] = frozenset()
    left_alone: frozenset[Entry] = frozenset()
    """What is not ours to change, or forbids; it makes no difference."""

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return any((self.new_users, self.granted, self.quotas, self.revoked, self.removed_users))


def intended(registry: Registry, quota: Quota = ORGANISATION_QUOTA) -> Access:
    """Return what a group with this registry should have, and nothing beyond."""
    logins = principals(registry)
    return Access(
        users=frozenset(logins),
        entries=entries_of(grants(registry)),
        quotas={login: quota for login in logins if is_organisation(login)},
    )


def present(admin: KafkaAdmin) -> Access:
    """Return what Kafka has, of everybody.

    Raises:
        CommandError: Kafka does not show it.
    """
    require_view_of_rights(admin)
    client = admin.client()
    return Access(users=users(client), entries=entries(client), quotas=quotas(admin))


def differences(wanted: Access, found: Access) -> Changes:
    """Return what is to be done; nothing for what is as it should be."""
    surplus = found.entries - wanted.entries
    revoked = frozenset(filter(_can_be_revoked, surplus))
    return Changes(
        new_users=wanted.users - found.users,
        granted=wanted.entries - found.entries,
        quotas=_quota_changes(wanted.quotas, found.quotas),
        revoked=revoked,
        removed_users=frozenset(filter(is_organisation, found.users - wanted.users)),
        left_alone=surplus - revoked,
    )


def apply(admin: KafkaAdmin, changes: Changes, password_of: Callable[[str], str]) -> None:
    """Make the changes. What was cut short is completed by planning and applying again.

    A login has its quota before it has rights, and loses its rights before it ends: rights are looked
    up for every call, so a connection that stands can do nothing more from then on.

    Args:
        admin: Whose rights suffice for it.
        changes: What to do.
        password_of: Gives a new login its password.

    Raises:
        CommandError: Kafka refused; what was done before stays done.
    """
    client = admin.client()
    set_quotas(admin, changes.quotas)
    set_passwords(client, {name: password_of(name) for name in sorted(changes.new_users)})
    grant_entries(client, changes.granted)
    revoke_entries(client, changes.revoked)
    remove_users(client, changes.removed_users)


def _can_be_revoked(entry: Entry) -> bool:
    return (
        entry.principal == f"User:{entry.user}"
        and is_ours(entry.user)
        and entry.permission == "allow"
        and UNKNOWN not in {entry.resource, entry.operation, entry.pattern}
    )


def _quota_changes(
    wanted: Mapping[str, Quota], found: Mapping[str, Quota]
) -> dict[str, dict[str, float | None]]:
    logins: Iterable[str] = sorted({*wanted, *filter(is_organisation, found)})
    changes = {
        login: _limit_changes(wanted.get(login, {}), found.get(login, {})) for login in logins
    }
    return {login: limits for login, limits in changes.items() if limits}


def _limit_changes(wanted: Quota, found: Quota) -> dict[str, float | None]:
    gone: dict[str, float | None] = dict.fromkeys(found.keys() - wanted.keys())
    return gone | {name: limit for name, limit in wanted.items() if found.get(name) != limit}
