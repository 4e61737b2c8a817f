"""Every history that was ever recorded replays on today's code (see record.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.worker import Replayer

from dsr_fanout.runner import CohortRunner
from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_runtime.payload_converter import DataClassConverter

_HISTORIES = {
    path.stem: path.read_text() for path in (Path(__file__).parent / "histories").glob("*.json")
}


def test_there_are_histories() -> None:
    assert {name.rpartition("-")[0] for name in _HISTORIES} >= {
        "answered",
        "clarified",
        "held-0",
        "held-1",
        "held-up",
        "late",
        "left-and-extended",
        "overtaken",
        "overdue",
        "reminder-held-up",
        "replanned",
        "stopped",
        "untold",
        "untold-for-long",
    }


@pytest.mark.parametrize("name", sorted(_HISTORIES))
async def test_recorded_history_replays(name: str) -> None:
    history = WorkflowHistory.from_json("dsr-recorded", _HISTORIES[name])
    replayer = Replayer(
        workflows=[CohortWorkflow],
        workflow_runner=CohortRunner(),
        data_converter=DataConverter(payload_converter_class=DataClassConverter),
    )
    result = await replayer.replay_workflow(history)
    assert result.replay_failure is None
