"""Every Kafka topic, declared once: key, owner, partitions, retention, cleanup, and who may use it.

Topics are created from this table, and access rights are derived from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from dsr_core.registry import Registry
from dsr_core.rights import RIGHTS, Right

__all__ = [
    "ACKNOWLEDGEMENTS",
    "AUDIT",
    "CHECKPOINTS",
    "CLOSURES",
    "COMMANDS",
    "COPIES",
    "ESCALATIONS",
    "LIFECYCLE",
    "LINKS",
    "NOTICE_LIFE",
    "NOTICE_RIGHTS",
    "OBLIGATIONS",
    "PHASES",
    "REGISTRY",
    "REQUESTS",
    "SUPPRESSIONS",
    "Cleanup",
    "Principal",
    "Topic",
    "all_topics",
    "dead_letter",
    "is_dead_letter",
    "is_notice",
    "notice_topic",
    "organisation_principal",
    "origin_of",
]

Principal = str
"""A user of Kafka: a service's name, `organisation.<id>`, or `operator`."""

INTAKE: Principal = "intake"
FANOUT: Principal = "fanout"
VERIFIER: Principal = "verifier"
OPERATOR: Principal = "operator"


_RETENTION = timedelta(days=30)
_DEAD_LETTER_RETENTION = timedelta(days=90)


class Cleanup(StrEnum):
    """What Kafka does with old records."""

    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic."""

    name: str
    key: str
    """What the record's key is."""

    producers: tuple[Principal, ...]
    consumers: tuple[Principal, ...]
    partitions: int = 6
    retention: timedelta | None = _RETENTION
    """How long records stay; none means for ever."""

    cleanup: Cleanup = Cleanup.DELETE
    compaction_lag: timedelta | None = None
    """How long a record of a compacted topic stays at least, though a newer one has its key."""

    is_open: bool = False
    """Whether every organisation may read it."""

    stamped_by_brokers: bool = False
    """Whether a record's time is that of the broker that took it, and not what its producer says."""


_DEAD_LETTER_SUFFIX = ".dead-letter"
_EVERYONE = (INTAKE, FANOUT, VERIFIER, OPERATOR)

REQUESTS = Topic(name="dsr.requests.v1", key="cohort_id", producers=(INTAKE,), consumers=(FANOUT,))
COMMANDS = Topic(name="dsr.commands.v1", key="cohort_id", producers=(INTAKE,), consumers=(FANOUT,))
OBLIGATIONS = Topic(
    name="dsr.obligations.v1", key="cohort_id", producers=(FANOUT,), consumers=(VERIFIER,)
)
ACKNOWLEDGEMENTS = Topic(
    name="dsr.acknowledgements.v1",
    key="request_id, or system_id for a batch over many requests",
    producers=(),  # every organisation; granted with its topics
    consumers=(VERIFIER,),
    stamped_by_brokers=True,  # a revoked key is judged by when an answer was received
)
CLOSURES = Topic(
    name="dsr.closures.v1", key="cohort_id", producers=(VERIFIER,), consumers=(INTAKE, OPERATOR)
)
LINKS = Topic(name="dsr.links.v1", key="request_id", producers=(VERIFIER,), consumers=(INTAKE,))
COPIES = Topic(name="dsr.copies.v1", key="request_id", producers=(INTAKE,), consumers=(VERIFIER,))
PHASES = Topic(name="dsr.phases.v1", key="cohort_id", producers=(VERIFIER,), consumers=(FANOUT,))
LIFECYCLE = Topic(
    name="dsr.lifecycle.v1", key="cohort_id", producers=(INTAKE,), consumers=(FANOUT, OPERATOR)
)
ESCALATIONS = Topic(
    name="dsr.escalations.v1",
    key="cohort_id",
    producers=(FANOUT, INTAKE),  # intake: of appeals, which fanout is not told of
    consumers=(INTAKE, OPERATOR),
)
AUDIT = Topic(
    name="dsr.audit.v1",
    key="the first entry's id",
    producers=(INTAKE,),
    consumers=(VERIFIER, OPERATOR),
    partitions=1,  # a person's pace, and one order
)
REGISTRY = Topic(
    name="dsr.registry.v1",
    key="digest, or keys/system_id",
    producers=(OPERATOR,),
    consumers=_EVERYONE,
    partitions=1,
    retention=None,
    cleanup=Cleanup.COMPACT,
    # Every change of a key is evidence: a verifier that was away must still find each of them.
    compaction_lag=_RETENTION,
)
CHECKPOINTS = Topic(
    name="dsr.checkpoints.v1",
    key="the log's origin",
    producers=(VERIFIER,),
    consumers=(VERIFIER, OPERATOR),
    partitions=1,
    retention=None,  # the newest is what a restored database is held to, however late
    cleanup=Cleanup.COMPACT,
)
SUPPRESSIONS = Topic(
    name="dsr.suppressions.v1",
    key="kind/digest",
    producers=(INTAKE,),
    consumers=(OPERATOR,),
    partitions=1,
    retention=None,
    cleanup=Cleanup.COMPACT,
    is_open=True,  # without the list's key, which is given apart, a digest says nothing
)

_FIXED = (
    REQUESTS,
    COMMANDS,
    OBLIGATIONS,
    ACKNOWLEDGEMENTS,
    CLOSURES,
    COPIES,
    PHASES,
    LIFECYCLE,
    LINKS,
    ESCALATIONS,
    AUDIT,
    REGISTRY,
    CHECKPOINTS,
    SUPPRESSIONS,
)

NOTICE_RIGHTS = tuple(sorted(RIGHTS))
"""The rights that organisations have notice topics for."""

NOTICE_LIFE = _RETENTION + _DEAD_LETTER_RETENTION
"""How long a notice can come again: from its topic, and at the end of that from a dead letter."""


def notice_topic(right: Right, organisation_id: str) -> Topic:
    """Return the topic on which one organisation gets its notices of one right."""
    return Topic(
        name=f"dsr.{right.value.replace('_', '-')}.{organisation_id}.v1",
        key="cohort_id",
        producers=(FANOUT,),
        consumers=(organisation_principal(organisation_id),),
        partitions=3,
    )


def organisation_principal(organisation_id: str) -> Principal:
    """Return the Kafka user of one organisation's systems."""
    return f"organisation.{organisation_id}"


def dead_letter(topic: Topic) -> Topic:
    """Return the topic for what consumers of another topic refused."""
    return Topic(
        name=f"{topic.name}{_DEAD_LETTER_SUFFIX}",
        key="as the original",
        producers=topic.consumers,
        consumers=(INTAKE, OPERATOR),  # intake: for the console, which shows why, and no value
        partitions=1,
        retention=_DEAD_LETTER_RETENTION,
    )


def is_notice(name: str) -> bool:
    """Tell whether a topic's name is a notice topic's, whose dead letters organisations write."""
    return name not in {one.name for one in _FIXED}


def is_dead_letter(name: str) -> bool:
    """Tell whether a topic's name is a dead-letter topic's."""
    return name.endswith(_DEAD_LETTER_SUFFIX)


def dead_letter_name(name: str) -> str:
    """Return the name of the dead-letter topic of a topic."""
    return f"{name}{_DEAD_LETTER_SUFFIX}"


def origin_of(name: str) -> str:
    """Return the name of the topic that a dead-letter topic belongs to."""
    return name.removesuffix(_DEAD_LETTER_SUFFIX)


def notice_topics(registry: Registry) -> Iterator[Topic]:
    """Yield the notice topics of every organisation that owns a system."""
    owners: Iterable[str] = sorted({system.organisation_id for system in registry.systems})
    for organisation_id in owners:
        for right in NOTICE_RIGHTS:
            yield notice_topic(right, organisation_id)


def all_topics(registry: Registry) -> tuple[Topic, ...]:
    """Return every topic that a group with this registry needs, dead-letter topics included."""
    topics = (*_FIXED, *notice_topics(registry))
    return (*topics, *(dead_letter(topic) for topic in topics))
