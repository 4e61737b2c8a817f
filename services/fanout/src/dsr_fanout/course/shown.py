"""What a workflow is found by: its search attributes, written when they change and never between."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from dsr_fanout.orders import DUE_AT, STATE

__all__ = ["Shown"]


class Shown:
    """The state and the legal date that a workflow is found by."""

    def __init__(self, state: str, due_at: datetime) -> None:
        self.state = state
        self._due_at = due_at

    def show(self, state: str, due_at: datetime) -> None:
        """Have the workflow found by these from now on; what is shown already is not written again."""
        of_state = [STATE.value_set(state)] if state != self.state else []
        of_date = [DUE_AT.value_set(due_at)] if due_at != self._due_at else []
        if of_state or of_date:
            workflow.upsert_search_attributes([*of_state, *of_date])
        self.state, self._due_at = state, due_at
