"""How far consumers have read, which Kafka keeps; and having them read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from dsr_cli.errors import CommandError
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.reconcile.told import Place
from dsr_wire.topics import COMMANDS, REQUESTS

__all__ = [
    "FANOUT",
    "INTAKE_CLOSURES",
    "INTAKE_LINKS",
    "Positions",
    "refuse_running",
    "rewind",
    "verifier_group",
]

INTAKE_CLOSURES = "dsr.intake.closures"
INTAKE_LINKS = "dsr.intake.links"
FANOUT = {REQUESTS.name: "dsr.fanout.requests", COMMANDS.name: "dsr.fanout.commands"}
"""Who reads what starts workflows, by topic."""

_GROUPS = (INTAKE_CLOSURES, INTAKE_LINKS, *FANOUT.values())
"""Who is made to read again, beside the verifier."""

_VERIFIER = "dsr.verifier"
"""The verifier's group unless it is set, and what every other one begins with."""

_OF_SERVICES = (
    *_GROUPS,
    "dsr.intake.escalations",
    "dsr.fanout.lifecycle",
    "dsr.fanout.phases",
)
_TIMEOUT_S = 15.0


class Positions:
    """What each group has read."""

    def __init__(
        self, read: Mapping[tuple[str, str, int], int], *, verifier: str = _VERIFIER
    ) -> None:
        """Give by group, topic and partition the offset that comes next, and the verifier's group."""
        self._read = read
        self.verifier = verifier

    @classmethod
    def asked(cls, admin: KafkaAdmin) -> Positions:
        """Ask Kafka.

        Raises:
            CommandError: It does not say.
        """
        client = admin.client()
        verifier = verifier_group(_known(client))
        read: dict[tuple[str, str, int], int] = {}
        try:
            for group in (*_GROUPS, verifier):
                asked = client.list_consumer_group_offsets(
                    [ConsumerGroupTopicPartitions(group)], request_timeout=_TIMEOUT_S
                )
                for one in asked[group].result().topic_partitions:
                    read[group, one.topic, one.partition] = one.offset
        except KafkaException as error:
            raise CommandError(
                f"Kafka does not say what was read: {error.args[0].str()}"
            ) from error
        return cls(read, verifier=verifier)

    def is_past(self, group: str, place: Place) -> bool:
        """Tell whether a group will not read a record any more by itself."""
        topic, partition, offset = place
        return self._read.get((group, topic, partition), 0) > offset

    def past(self, group: str) -> Callable[[Place], bool]:
        """Return the same, of one group."""
        return lambda place: self.is_past(group, place)


def verifier_group(known: Iterable[str]) -> str:
    """Return the group that the verifier reads as, by its own setting or by what Kafka knows.

    Raises:
        CommandError: It is not given, and Kafka knows the verifier by other names than its usual one.
    """
    if given := os.environ.get("DSR_VERIFIER_GROUP_ID"):
        return given
    others = sorted(one for one in known if one.startswith(_VERIFIER))
    if others and _VERIFIER not in others:
        raise CommandError(
            f"the verifier reads as {' or as '.join(others)}: "
            "give DSR_VERIFIER_GROUP_ID as the verifier has it"
        )
    return _VERIFIER


def refuse_running(admin: KafkaAdmin) -> None:
    """Return where no service reads.

    Raises:
        CommandError: One does.
    """
    client = admin.client()
    verifiers = {one for one in _known(client) if one.startswith(_VERIFIER)}
    running = sorted(group for group in {*_OF_SERVICES, *verifiers} if _members(client, group))
    if running:
        raise CommandError(
            f"somebody reads as {', '.join(running)}: stop intake, fanout and the verifier first. "
            "Kafka takes a process that was killed as running for ten seconds more"
        )


def rewind(admin: KafkaAdmin, offsets: Mapping[tuple[str, str, int], int]) -> None:
    """Have groups read again from these offsets.

    Raises:
        CommandError: Kafka refuses, since somebody reads as the group.
    """
    client = admin.client()
    for group in sorted({group for group, _, _ in offsets}):
        partitions = [
            TopicPartition(topic, partition, offset)
            for (of, topic, partition), offset in sorted(offsets.items())
            if of == group
        ]
        try:
            client.alter_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group, partitions)], request_timeout=_TIMEOUT_S
            )[group].result()
        except KafkaException as error:
            raise CommandError(f"{group} cannot be set back: {error.args[0].str()}") from error


def _known(client: AdminClient) -> set[str]:
    try:
        listed = client.list_consumer_groups(request_timeout=_TIMEOUT_S).result()
    except KafkaException as error:
        raise CommandError(f"Kafka does not say who reads: {error.args[0].str()}") from error
    return {one.group_id for one in listed.valid}


def _members(client: AdminClient, group: str) -> Iterable[object]:
    try:
        described = client.describe_consumer_groups([group], request_timeout=_TIMEOUT_S)
        members: Iterable[object] = described[group].result().members
    except KafkaException:
        return ()  # there is no such group yet
    return members
