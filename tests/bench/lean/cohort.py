"""The lean workflow. Its module is loaded again for each run of it, hence what it does not import."""

from datetime import timedelta

from temporalio import workflow

_PATIENCE = timedelta(days=45)
_STEP = timedelta(seconds=20)


@workflow.defn(name="LeanCohort")
class LeanCohort:
    """Tells everyone once, and stays until it hears that all have answered."""

    def __init__(self) -> None:
        self._over = False

    @workflow.signal
    def over(self) -> None:
        self._over = True

    @workflow.run
    async def run(self, members: list[str]) -> None:
        await workflow.execute_local_activity("tell", members, start_to_close_timeout=_STEP)
        await workflow.wait_condition(self._is_over, timeout=_PATIENCE)

    def _is_over(self) -> bool:
        return self._over
