"""Notices as a workflow sends them: what cannot be sent now is kept, and tried again beside the tiers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from temporalio import workflow

from dsr_fanout.course.steps import FIRST_PAUSE, LONGEST_PAUSE, HeldUp, Steps
from dsr_fanout.orders import NOTIFY, TOLD_BESIDE_THE_TIERS, Order, Sending, Sent, Unsent

__all__ = ["Notices"]


class Notices:
    """The notices of one workflow."""

    def __init__(self, steps: Steps, unsent: Iterable[Unsent]) -> None:
        self._steps = steps
        self._pause = FIRST_PAUSE
        self.unsent = list(unsent)
        """What could not be sent so far, the oldest first."""

        self.retry_at = workflow.now()
        self.held_up = ""
        """What was in the way the last time."""

    async def send(self, order: Order, unsent: Unsent) -> None:
        """Send notices to all who can be told; what is left is kept, to be tried again."""
        left = await self._sent(order, unsent)
        if left is not None:
            self.unsent.append(left)
            self._pause = FIRST_PAUSE
            self.retry_at = workflow.now() + self._pause

    def keep_first(self) -> bool:
        """Give up what is not a first notice; tell whether there is one that could not be sent."""
        self.unsent = [one for one in self.unsent if not one.reminder and not one.revision]
        return bool(self.unsent)

    async def retry(self, order: Order) -> None:
        """Try everything once more that could not be sent, then pause longer than before."""
        unsent, self.unsent = self.unsent, []
        for one in unsent:
            left = await self._sent(order, one)
            if left is not None:
                self.unsent.append(left)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self.retry_at = workflow.now() + self._pause

    async def _sent(self, order: Order, unsent: Unsent) -> Unsent | None:
        """Send notices; return what is left where some cannot be sent now."""
        pause = FIRST_PAUSE
        while True:
            try:
                sent: Sent = await self._steps.once(NOTIFY, _sending(order, unsent), Sent)
            except HeldUp as held_up:
                unsent = replace(unsent, only=held_up.untold or unsent.only)
                self.held_up = str(held_up)
                if workflow.patched(TOLD_BESIDE_THE_TIERS):
                    return unsent
                await self._steps.wait_out(pause, held_up)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                if sent.next is None:
                    return None
                unsent, pause = replace(unsent, first=sent.next), FIRST_PAUSE


def _sending(order: Order, unsent: Unsent) -> Sending:
    return Sending(
        order=order,
        reminder=unsent.reminder,
        first=unsent.first,
        only=unsent.only,
        instruction=unsent.instruction,
        revision=unsent.revision,
        system_ids=unsent.system_ids,
        left_out=unsent.left_out,
        joined=unsent.joined,
        phase=unsent.phase,
        is_due=unsent.is_due,
        below=unsent.below,
    )
