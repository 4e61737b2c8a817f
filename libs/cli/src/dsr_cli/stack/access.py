"""The logins of a local stack's Kafka, and what each is granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsr_cli.kafka import access
from dsr_cli.kafka.users import set_passwords
from dsr_cli.stack import probes
from dsr_cli.stack.errors import StackError
from dsr_cli.stack.kafka import SECURITY_PROTOCOL
from dsr_cli.stack.secret_store import Credentials
from dsr_cli.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka.admin import AdminClient

    from dsr_cli.kafka.access import Grant
    from dsr_cli.stack.stack import Stack

_TIMEOUT = 60.0


def secret_name(user: str) -> str:
    """Name the secret that is this Kafka user's password."""
    return f"kafka-{user}"


def kafka_environment(stack: Stack, user: str) -> dict[str, str]:
    """Return what a process that logs in to Kafka as this user finds in its environment."""
    return {
        "DSR_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
        "DSR_KAFKA_SECURITY_PROTOCOL": SECURITY_PROTOCOL,
        "DSR_KAFKA_USERNAME": user,
        "DSR_KAFKA_PASSWORD": stack.secrets.secret(secret_name(user)),
        "DSR_KAFKA_CA_FILE": str(stack.kafka_ca_file),
    }


def create_users(stack: Stack, names: Iterable[str]) -> dict[str, Credentials]:
    """Have these logins in Kafka, ready for use; repeating it changes nothing that matters.

    The passwords come from the stack's secrets, and are set again each time, so that a login
    works even where the secrets are newer than Kafka's data.

    Returns:
        Each login, by its name.

    Raises:
        CommandError: Kafka refused.
        StackError: The logins did not work in time.
    """
    users = {
        name: Credentials(username=name, password=stack.secrets.secret(secret_name(name)))
        for name in names
    }
    if not users:
        return users
    set_passwords(_admin(stack), {one.username: one.password for one in users.values()})
    # They were written as one batch, so all can log in as soon as any can.
    one = next(iter(users.values()))
    if not wait_until(
        lambda: probes.kafka_logs_in(
            stack.kafka_bootstrap, one.username, one.password, ca_file=stack.kafka_ca_file
        ),
        timeout=_TIMEOUT,
    ):
        message = f"Kafka user {one.username} was created and cannot log in"
        raise StackError(message)
    return users


def grant(stack: Stack, grants: Iterable[Grant]) -> None:
    """Let logins do what they are granted, from now on; repeating it changes nothing.

    What was granted before stays granted.

    Raises:
        CommandError: Kafka refused, or the rights were not in force in time.
    """
    access.grant(_admin(stack), grants)


def _admin(stack: Stack) -> AdminClient:
    credentials = stack.kafka_admin_credentials
    return probes.kafka_admin(
        stack.kafka_bootstrap,
        credentials.username,
        credentials.password,
        ca_file=stack.kafka_ca_file,
    )
