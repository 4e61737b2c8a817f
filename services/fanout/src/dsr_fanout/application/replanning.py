"""Replanning: a newer registry version applies to requests that are open; who joins must answer too."""

from __future__ import annotations

from datetime import datetime

from dsr_core.ids import CohortId, RequestId
from dsr_core.plan import plan
from dsr_core.rights import Right
from dsr_fanout.application.opening import scope_of
from dsr_fanout.application.records import home_of, record
from dsr_fanout.orders import Replan, Replanned
from dsr_fanout.ports import Publisher, Registries
from dsr_wire.codec.amendments import Amendment, PlanChanged, amendment_to_wire
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.topics import OBLIGATIONS

__all__ = ["Replanning"]


class Replanning:
    """Has the plan of open requests follow the registry."""

    def __init__(self, *, registries: Registries, publisher: Publisher) -> None:
        self._registries = registries
        self._publisher = publisher

    async def replan(self, asked: Replan, *, at: datetime) -> Replanned:
        """Have the systems that the newest version adds answer for a cohort; return which.

        Those that it lacks are not let off: their data may still be there, so that two people must
        answer for them. Safe to repeat; what an older version than the newest asks is left to that.

        Raises:
            Unavailable: The registry has not arrived, or Kafka is away.
        """
        order = asked.order
        planned = await self._registries.version(order.registry_digest)
        newest = await self._registries.newest()
        right, scope = Right(order.right), scope_of(order)
        before = {one.id for one in plan(planned, right, scope)}
        added = [one for one in plan(newest.registry, right, scope) if one.id not in before]
        if not added:
            return Replanned(digest=newest.registry.digest)
        change = PlanChanged(
            newest.registry.digest, tuple((one.id, one.organisation_id) for one in added), ()
        )
        revision = _revision(newest)
        await self._publisher.publish(
            record(
                amendment_to_wire(
                    Amendment(
                        cohort_id=CohortId(home_of(order)),
                        request_id=RequestId(request_id),
                        revision=revision,
                        amended_at=at,
                        effective_at=newest.published_at,
                        change=change,
                    )
                ),
                order,
                topic=OBLIGATIONS,
                event_id=f"{request_id}/amended/{revision}/plan_changed",
                at=at,
            )
            for request_id in order.request_ids
        )
        return Replanned(
            digest=newest.registry.digest, added=[one.id for one in added], revision=revision
        )


def _revision(version: PublishedRegistry) -> int:
    """Return the revision of the amendment: no command's, but the second of the publication.

    So that of two versions the newer counts, whichever workflow tells of them.
    """
    return int(version.published_at.timestamp())
