"""Plans: a workflow has who joins by a newer registry version answer as well."""

from __future__ import annotations

from dataclasses import replace

from dsr_fanout.course.apart import PERFORM, held, holds_all
from dsr_fanout.course.notices import Notices
from dsr_fanout.course.steps import Steps
from dsr_fanout.orders import REPLAN, Apart, Order, Replan, Replanned, Unsent

__all__ = ["Plans"]


class Plans:
    """The registry versions that one workflow was told of."""

    def __init__(self, steps: Steps, notices: Notices, order: Order) -> None:
        self._steps = steps
        self._notices = notices
        self._seen = {order.registry_digest, order.replanned}
        self.pending = list(order.replan)
        """Versions that were told and not looked at yet."""

    def take_in(self, digest: str) -> None:
        """Take note of a version; one that was looked at already changes nothing."""
        if digest and digest not in self._seen and digest not in self.pending:
            self.pending.append(digest)

    async def follow(self, order: Order, apart: Apart) -> Order:
        """Put on record who joins, and tell them; return the order as it is from then on.

        Nobody joins a request that is being stopped.
        """
        while self.pending:
            if apart.outcome:
                self.pending.clear()
                break
            looked_at = list(self.pending)
            self._steps.tell("looking who joins the plan")
            replanned: Replanned = await self._steps.surely(REPLAN, Replan(order=order), Replanned)
            self._seen.update(looked_at, (replanned.digest,))
            self.pending = [one for one in self.pending if one not in self._seen]
            order = replace(order, replanned=replanned.digest)
            if replanned.added and not holds_all(apart):
                self._steps.tell(f"notifying {len(replanned.added)} systems that joined")
                joined = Unsent(
                    instruction=PERFORM,
                    revision=apart.revision if apart.has_left else 0,
                    system_ids=replanned.added,
                    left_out=held(apart),
                    joined=replanned.revision,
                )
                await self._notices.send(order, joined)
        return order
