"""What more than one service says of itself: labels, buckets, and metrics that differ in the name alone."""

from __future__ import annotations

from dsr_core.closing import Outcome
from dsr_core.metrics.terms import Kind, Label, Metric
from dsr_core.rights import Right

__all__ = [
    "DAYS",
    "ORGANISATION",
    "OUTCOME",
    "REASON",
    "REGIME",
    "RIGHT",
    "SECONDS",
    "SIZES",
    "SYSTEM",
    "TOPIC",
    "bad_registry_records",
    "consumer_lag",
    "group_partitions",
    "group_rebalances",
    "measured_at",
    "outbox_age",
    "outbox_records",
    "pool_connections",
    "pool_waiting",
]

RIGHT = Label.of("right", "the right that is asked for", (one.value for one in Right))
OUTCOME = Label.of("outcome", "how it ended", (one.value for one in Outcome))
REGIME = Label("regime", "the law that sets the clocks, from the published rules", 40)
ORGANISATION = Label("organisation_id", "an organisation of the registry", 500)
SYSTEM = Label("system_id", "a system of the registry", 2000)
_GROUP = Label("group_id", "a consumer group of the service", 10)
TOPIC = Label("topic", "a topic that the service reads", 20)
REASON = Label("reason", "a code from docs/operations.md", 60)

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 1.0, 5.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 250, 500, 1000)

_HOUR, _DAY = 3600.0, 86_400.0
DAYS = (
    *(1.0, 10.0, 60.0, 600.0, _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY),
    *(30 * _DAY, 45 * _DAY, 60 * _DAY, 90 * _DAY),
)
"""From the seconds in which systems can answer to the months that a law gives."""


def outbox_records(service: str) -> Metric:
    """Return how a service says what its outbox holds."""
    return Metric(
        name=f"dsr_{service}_outbox_records",
        kind=Kind.GAUGE,
        unit="records",
        meaning="Records that wait in the outbox to be published; every replica says the same",
    )


def outbox_age(service: str) -> Metric:
    """Return how a service says for how long."""
    return Metric(
        name=f"dsr_{service}_outbox_age_seconds",
        kind=Kind.GAUGE,
        meaning="How long the oldest of them has waited; zero where none does",
    )


def consumer_lag(service: str) -> Metric:
    """Return how a service says what it has not read yet."""
    return Metric(
        name=f"dsr_{service}_consumer_lag_records",
        kind=Kind.GAUGE,
        unit="records",
        meaning="Records of a topic that the service's consumer group has not committed yet; every"
        " replica says the same",
        labels=(TOPIC,),
    )


def group_partitions(service: str) -> Metric:
    """Return how a service says how much of what its groups read is a replica's."""
    return Metric(
        name=f"dsr_{service}_group_partitions",
        kind=Kind.GAUGE,
        unit="partitions",
        meaning="Partitions that this replica reads as a member of a group; none while the group"
        " shares them anew",
        labels=(_GROUP,),
    )


def group_rebalances(service: str) -> Metric:
    """Return how a service says how often its groups were held up."""
    return Metric(
        name=f"dsr_{service}_group_rebalances",
        kind=Kind.GAUGE,
        unit="rebalances",
        meaning="How often this replica was given its share of a group's partitions, since it started",
        labels=(_GROUP,),
    )


def bad_registry_records(service: str) -> Metric:
    """Return how a service counts what it cannot read of the registry."""
    return Metric(
        name=f"dsr_{service}_bad_registry_records",
        kind=Kind.COUNTER,
        unit="records",
        meaning="Records of the registry topic that could not be read, by reason; what was published"
        " before stays in force",
        labels=(REASON,),
    )


def pool_connections(service: str) -> Metric:
    """Return how a service says what its connections to PostgreSQL do."""
    return Metric(
        name=f"dsr_{service}_postgres_connections",
        kind=Kind.GAUGE,
        unit="connections",
        meaning="Connections to PostgreSQL of this replica; together they are what"
        " `DSR_POSTGRES_POOL_SIZE` allows",
        labels=(
            Label.of(
                "state",
                "in use, idle (open, and nobody uses it), or not open",
                ("in_use", "idle", "unopened"),
            ),
        ),
    )


def pool_waiting(service: str) -> Metric:
    """Return how a service says how many wait for one."""
    return Metric(
        name=f"dsr_{service}_postgres_waiting",
        kind=Kind.GAUGE,
        unit="callers",
        meaning="Who waits in this replica for a connection to PostgreSQL to be free",
    )


def measured_at(service: str) -> Metric:
    """Return how a service says how fresh its counts of the database are."""
    return Metric(
        name=f"dsr_{service}_measured_timestamp_seconds",
        kind=Kind.GAUGE,
        meaning="When what is counted in the database was last counted, in Unix time: the more there"
        " is to count, the more seldom it is",
    )
