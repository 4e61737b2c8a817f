"""Steps: a workflow's local activities, tried until they succeed, and what is in the way meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from dsr_fanout.orders import FEW_TRIES, UNTOLD

__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "HeldUp", "Steps"]

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)

_TRY_TIMEOUT = timedelta(seconds=60)
_AWAY = "unavailable"


class HeldUp(Exception):  # noqa: N818 - what has happened, not an error of the workflow
    """A local activity has failed for now; the text says which, and why.

    Attributes:
        activity: Which.
        untold: Who was not told, where all others were.
        is_away: Whether something was away, rather than said no.
    """

    def __init__(self, activity: str, fault: BaseException) -> None:
        super().__init__(f"held up at {activity}: {fault}")
        self.activity = activity
        self.untold: list[str] = []
        self.is_away = True
        if isinstance(fault, ApplicationError):
            self.is_away = fault.type == _AWAY
            if fault.type == UNTOLD:
                self.untold = list(fault.details)


class Steps:
    """Runs the local activities of one workflow, and says what it is at."""

    def __init__(self, *, continue_if_long: Callable[[], None]) -> None:
        self._continue_if_long = continue_if_long
        self.progress = "starting"

    def tell(self, progress: str) -> None:
        """Have this shown as what the workflow is at."""
        self.progress = progress
        workflow.set_current_details(progress)

    async def surely(
        self,
        activity: str,
        argument: object,
        kind: type[Any],
        *,
        unless: Callable[[HeldUp], bool] = lambda _: False,
    ) -> Any:
        """Run a local activity until it succeeds; raises a HeldUp that `unless` says ends it.

        It never gives up: a cohort is a legal duty, and a failed workflow would hide it. What is in
        the way is told in the workflow's details and in its history, and counted by the activity.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                return await self.once(activity, argument, kind)
            except HeldUp as held_up:
                if unless(held_up):
                    raise
                await self.wait_out(pause, held_up)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def once(self, activity: str, argument: object, kind: type[Any]) -> Any:
        """Run a local activity; raises a HeldUp after a few tries."""
        try:
            return await workflow.execute_local_activity(
                activity,
                argument,
                result_type=kind,
                start_to_close_timeout=_TRY_TIMEOUT,
                retry_policy=FEW_TRIES,
            )
        except FailureError as error:
            # A local activity's failure comes as itself; others are wrapped in an ActivityError.
            if is_cancelled_exception(error):
                raise
            raise HeldUp(activity, error.cause or error) from error

    async def wait_out(self, pause: timedelta, held_up: HeldUp) -> None:
        """Wait before what is held up is tried again."""
        before = self.progress
        self.tell(f"{before}; {held_up}")
        await workflow.sleep(pause, summary=f"before {held_up.activity} is tried again")
        self._continue_if_long()
        self.tell(before)
