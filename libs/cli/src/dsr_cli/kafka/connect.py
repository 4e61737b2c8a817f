"""The operator's connection, found as every command finds what it talks to."""

from __future__ import annotations

from confluent_kafka import KafkaException

from dsr_cli.connection import kafka_from_environment
from dsr_cli.errors import CommandError
from dsr_cli.kafka.admin import KafkaAdmin

__all__ = ["operator"]


_TIMEOUT_S = 5.0


def operator() -> KafkaAdmin:
    """Return the operator's connection, to a Kafka that answers: DSR_KAFKA_*, else the local stack's.

    Raises:
        CommandError: It does not answer, or does not let the operator in.
    """
    bootstrap, protocol, username, password, ca_file = kafka_from_environment()
    admin = KafkaAdmin(
        bootstrap=bootstrap,
        security_protocol=protocol,
        username=username,
        password=password,
        ca_file=ca_file,
    )
    try:
        admin.client().list_topics(timeout=_TIMEOUT_S)
    except KafkaException as error:
        reason = error.args[0].str()
        raise CommandError(
            f"Kafka at {bootstrap} does not answer ({reason}); is it running? `dsr stack status` says"
        ) from error
    return admin
