"""Replanning: newer registry versions apply to requests that are open, and who owes is put on record."""

from __future__ import annotations

from datetime import datetime

from dsr_core.ids import CohortId, RequestId
from dsr_core.replan import Replan as Change
from dsr_core.replan import Version, replan
from dsr_core.rights import Right
from dsr_fanout.application.opening import (
    count_of,
    phases_of,
    planned_systems,
    scope_of,
)
from dsr_fanout.application.phasing import later_phases
from dsr_fanout.application.records import home_of, record
from dsr_fanout.orders import Order, Replan, Replanned
from dsr_fanout.ports import Publisher, Registries
from dsr_wire.codec.amendments import Amendment, PlanChanged, Succession, amendment_to_wire
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.topics import OBLIGATIONS

__all__ = ["Replanning", "changed"]


class Replanning:
    """Has the plan of open requests follow the registry."""

    def __init__(self, *, registries: Registries, publisher: Publisher) -> None:
        self._registries = registries
        self._publisher = publisher

    async def replan(self, asked: Replan, *, at: datetime) -> Replanned:
        """Put on record what the newest version changes for a cohort; return whom to tell.

        Safe to repeat; what an older version than the newest asks is left to that.

        Raises:
            Unavailable: The registry has not arrived, or Kafka is away.
        """
        order = asked.order
        newest = await self._registries.newest()
        before = await changed(order, self._registries, until=order.replanned)
        change = await changed(order, self._registries)
        planned = await self._registries.version(order.registry_digest)
        later = later_phases(order, planned, newest.registry, change)
        count = count_of(phases_of(planned, order, planned_systems(planned, order)))
        if change == before:
            return Replanned(digest=newest.registry.digest, phases=count)
        revision = _revision(newest)
        plan = PlanChanged(
            newest.registry.digest,
            tuple((one.id, one.organisation_id) for one in change.added),
            change.removed,
            tuple(
                Succession(one.retired, one.heir.id, one.heir.organisation_id, one.since)
                for one in change.successions
            ),
        )
        await self._publisher.publish(
            record(
                amendment_to_wire(
                    Amendment(
                        cohort_id=CohortId(home_of(order)),
                        request_id=RequestId(request_id),
                        revision=revision,
                        amended_at=at,
                        effective_at=newest.published_at,
                        change=plan,
                    )
                ),
                order,
                topic=OBLIGATIONS,
                event_id=f"{request_id}/amended/{revision}/plan_changed",
                at=at,
            )
            for request_id in order.request_ids
        )
        known = {(one.id, before.since(one.id)) for one in before.told}
        told: list[str] = [
            one.id
            for one in change.told
            if (one.id, change.since(one.id)) not in known and later.get(one.id, 0) <= asked.phase
        ]
        return Replanned(digest=newest.registry.digest, added=told, revision=revision, phases=count)


async def changed(order: Order, registries: Registries, *, until: str | None = None) -> Change:
    """Return what the registry has changed, in all, of the plan that a cohort pins.

    It is the same for whoever asks about the same versions: the home cohort's workflow, and that of a
    request which has left it.

    Args:
        order: The cohort.
        registries: The versions.
        until: The version to stop at, empty for the pinned one; none for the newest.

    Raises:
        Unavailable: A version has not arrived.
    """
    planned = await registries.version(order.registry_digest)
    later = await _later(order, registries)
    if until is not None:
        digests = [version.digest for _, version in later]
        later = later[: digests.index(until) + 1] if until in digests else []
    return replan(
        planned, later, Right(order.right), scope_of(order), received_at=order.received_at
    )


async def _later(order: Order, registries: Registries) -> list[Version]:
    """Return the versions since the pinned one, the oldest first.

    A version that was published again takes the place of its last publication. So one that was
    followed may not be among them any more, and goes before them: what it took out may be back.
    """
    later = [(one.published_at, one.registry) for one in registries.since(order.registry_digest)]
    followed = order.replanned
    if followed in ("", order.registry_digest, *(version.digest for _, version in later)):
        return later
    newest = await registries.newest()
    version = await registries.version(followed)
    return [(newest.published_at, version), *(later or [(newest.published_at, newest.registry)])]


def _revision(version: PublishedRegistry) -> int:
    """Return the revision of the amendment: no command's, but the second of the publication.

    So that of two versions the newer counts, whichever workflow tells of them.
    """
    return int(version.published_at.timestamp())
