"""Which workflow task one that has ended goes back to."""

from __future__ import annotations

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from dsr_cli.reconcile.workflows import task_to_go_back_to

BEGUN = "WORKFLOW_EXECUTION_STARTED"
END = "WORKFLOW_EXECUTION_"
CANCEL = "WORKFLOW_EXECUTION_CANCEL_REQUESTED"
TASK = ["WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_COMPLETED"]
READ = "MARKER_RECORDED"
HINT = "WORKFLOW_EXECUTION_SIGNALED"


def a_history(*names: str) -> list[HistoryEvent]:
    """Return a history; what a task records says which task that was."""
    found: list[HistoryEvent] = []
    done = 0
    for number, name in enumerate(names, start=1):
        event = HistoryEvent(event_id=number, event_type=EventType.Value(f"EVENT_TYPE_{name}"))
        if name == TASK[-1]:
            done = number
        if name == READ:
            event.marker_recorded_event_attributes.workflow_task_completed_event_id = done
        found.append(event)
    return found


@pytest.mark.parametrize(
    ("names", "task"),
    [
        ([BEGUN, *TASK, READ, HINT, *TASK, f"{END}TERMINATED"], 9),
        ([BEGUN, *TASK, HINT, *TASK[:2], f"{END}TERMINATED"], 4),
        ([BEGUN, *TASK, HINT, *TASK, f"{END}FAILED"], 8),
        ([BEGUN, *TASK, READ, CANCEL, *TASK, f"{END}CANCELED"], 4),
        ([BEGUN, TASK[0], CANCEL, *TASK[1:], f"{END}CANCELED"], 3),
        ([BEGUN, *TASK, HINT, *TASK, READ, f"{END}COMPLETED"], 8),
        ([BEGUN, *TASK, READ, *TASK, f"{END}COMPLETED"], 4),
        ([BEGUN, *TASK, f"{END}COMPLETED"], 4),
        ([BEGUN, TASK[0], f"{END}TERMINATED"], 3),
        ([BEGUN, f"{END}TERMINATED"], None),
        ([], None),
    ],
    ids=[
        "terminated",
        "terminated in a task",
        "failed",
        "cancelled: before that was asked for",
        "cancelled before its first task was done",
        "over: the task that read",
        "over, in a later task than read",
        "over, without reading",
        "never begun",
        "without a task",
        "empty",
    ],
)
def test_it_is_the_last_that_does_not_lead_to_the_same_end(
    names: list[str], task: int | None
) -> None:
    assert task_to_go_back_to(a_history(*names)) == task
