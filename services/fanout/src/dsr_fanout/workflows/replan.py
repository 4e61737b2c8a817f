"""One workflow a registry version: tell every running cohort of it, page by page.

This module is loaded anew for every workflow, as `cohort` is; the same holds for what it imports.
"""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

from dsr_fanout.course.steps import Steps
from dsr_fanout.orders import REPLAN_WORKFLOW, TELL_RUNNING, Telling, Told

_SETTLED = timedelta(seconds=5)


@workflow.defn(name=REPLAN_WORKFLOW)
class ReplanWorkflow:
    """Tells the running cohorts of a registry version."""

    @workflow.init
    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._steps = Steps(continue_if_long=self._continue_if_long)

    @workflow.run
    async def run(self, telling: Telling) -> int:  # noqa: ARG002 - as `init` is given it
        """Tell all that run; return how many were told."""
        if not self._telling.told:
            # Temporal's list is a moment behind; what is opened from now on looks for itself.
            await workflow.sleep(_SETTLED, summary="until all that runs is in the list")
        while True:
            self._steps.tell(f"{self._telling.told} cohorts were told")
            told: Told = await self._steps.surely(TELL_RUNNING, self._telling, Told)
            self._telling = replace(
                self._telling, page=told.next, told=self._telling.told + told.told
            )
            if not told.next:
                return self._telling.told
            # A moment between pages, so that what is due today is not behind all that is open.
            await workflow.sleep(timedelta(seconds=1), summary="before the next page")
            self._continue_if_long()

    def _continue_if_long(self) -> None:
        if workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(self._telling)
