"""Plans: a workflow has who joins by a newer registry version answer as well."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow

from dsr_fanout.course.apart import PERFORM, held, holds_all
from dsr_fanout.course.notices import Notices
from dsr_fanout.course.phases import Phases
from dsr_fanout.course.steps import Steps
from dsr_fanout.orders import FOLLOWS_BACK, REPLAN, Apart, Order, Replan, Replanned, Unsent

__all__ = ["Plans"]


class Plans:
    """The registry versions that one workflow was told of."""

    def __init__(self, steps: Steps, notices: Notices, phases: Phases, order: Order) -> None:
        self._steps = steps
        self._notices = notices
        self._phases = phases
        self._seen = {order.registry_digest, order.replanned}
        self._followed = order.replanned or order.registry_digest
        self.pending = list(order.replan)
        """Versions that were told and not looked at yet."""

    def take_in(self, digest: str) -> None:
        """Take note of a version; the one that was followed last changes nothing."""
        if not digest or digest == self._followed or digest in self.pending:
            return
        if digest not in self._seen or workflow.patched(FOLLOWS_BACK):
            self.pending.append(digest)

    async def follow(self, order: Order, apart: Apart) -> Order:
        """Put on record what changes, and tell whom it concerns; return the order as it is from then on.

        Nobody joins a request that is being stopped.
        """
        while self.pending:
            if apart.outcome:
                self.pending.clear()
                break
            looked_at = list(self.pending)
            self._steps.tell("looking what the registry has changed")
            asked = Replan(order=order, phase=self._phases.told)
            replanned: Replanned = await self._steps.surely(REPLAN, asked, Replanned)
            if order.home_cohort_id:
                self._phases.learn(replanned.phases)
            self._seen.update(looked_at, (replanned.digest,))
            self._followed = replanned.digest
            self.pending = [
                one for one in self.pending if one not in looked_at and one != self._followed
            ]
            order = replace(order, replanned=replanned.digest)
            if replanned.added and not holds_all(apart):
                self._steps.tell(f"notifying {len(replanned.added)} systems that answer as well")
                joined = Unsent(
                    instruction=PERFORM,
                    revision=apart.revision if apart.has_left else 0,
                    system_ids=replanned.added,
                    left_out=held(apart),
                    joined=replanned.revision,
                )
                await self._notices.send(order, joined)
        return order
