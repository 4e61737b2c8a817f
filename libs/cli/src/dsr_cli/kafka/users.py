"""Kafka's logins: SCRAM users, their passwords, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaException

# The package exports these, but not in a way that a type checker sees.
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from dsr_cli.errors import CommandError
from dsr_cli.kafka.faults import reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from confluent_kafka.admin import AdminClient
    from confluent_kafka.admin._scram import UserScramCredentialAlteration

__all__ = ["remove_users", "set_passwords", "users"]

_MECHANISM = ScramMechanism.SCRAM_SHA_512
_ITERATIONS = 4096
_TIMEOUT = 15.0


def users(admin: AdminClient) -> frozenset[str]:
    """Return every login that has a password, where `require_view_of_rights` has returned before.

    Raises:
        CommandError: Kafka cannot be asked.
    """
    asked = admin.describe_user_scram_credentials(request_timeout=_TIMEOUT)
    if isinstance(asked, dict):  # as it is where some users are named
        raise TypeError("all users were asked for")
    try:
        return frozenset(
            name
            for name, one in asked.result().items()
            if _MECHANISM in {info.mechanism for info in one.scram_credential_infos}
        )
    except KafkaException as error:
        raise CommandError(f"cannot read Kafka's users: {reason(error)}") from error


def set_passwords(admin: AdminClient, passwords: Mapping[str, str]) -> None:
    """Have each login with its password, in place of any that it had; safe to repeat.

    A connection that stands goes on under the former one.

    Raises:
        CommandError: Kafka refused.
    """
    info = ScramCredentialInfo(_MECHANISM, _ITERATIONS)
    _alter(
        admin,
        [
            UserScramCredentialUpsertion(name, info, password.encode())
            for name, password in sorted(passwords.items())
        ],
        "set passwords of Kafka users",
    )


def remove_users(admin: AdminClient, names: Iterable[str]) -> None:
    """Have these logins no more; a connection that stands is not ended by that.

    Raises:
        CommandError: Kafka refused.
    """
    _alter(
        admin,
        [UserScramCredentialDeletion(name, _MECHANISM) for name in sorted(names)],
        "remove Kafka users",
    )


def _alter(
    admin: AdminClient, alterations: list[UserScramCredentialAlteration], doing: str
) -> None:
    if not alterations:
        return
    try:
        futures = admin.alter_user_scram_credentials(alterations, request_timeout=_TIMEOUT)
        for future in futures.values():
            future.result()
    except KafkaException as error:
        raise CommandError(f"cannot {doing}: {reason(error)}") from error
