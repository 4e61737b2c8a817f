"""What Temporal refuses stays among what differs, and is said; the rest counts as mended."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from dsr_cli.commands.reconcile import document, show
from dsr_cli.reconcile.differences import Kind, by_kind
from dsr_cli.reconcile.finding import Findings
from dsr_cli.reconcile.mending import go_on
from dsr_cli.reconcile.orchestration import Ended
from dsr_core.ids import CohortId

GOES, REFUSED = CohortId("goes"), CohortId("refused")
WHY = "Temporal refuses: NOT_FOUND, workflow execution not found"


class Temporal:
    """Refuses one of the two."""

    def __init__(self) -> None:
        self.reasons: dict[CohortId, str] = {}

    async def idle(self, cohort_ids: Collection[CohortId]) -> dict[CohortId, Ended | None]:
        return dict.fromkeys(cohort_ids)

    async def reset(self, cohort_id: CohortId, ended: Ended, *, reason: str) -> str:
        self.reasons[cohort_id] = f"{ended.status} {reason}"
        return WHY if cohort_id == REFUSED else ""


@pytest.fixture
async def found() -> Findings:
    """What is left of two workflows that were terminated."""
    those = Findings()
    for one in (GOES, REFUSED):
        those.ended[one] = Ended("TERMINATED", f"run of {one}")
        those.add(Kind.WORKFLOW_ENDED, one, "TERMINATED")
    temporal = Temporal()
    await go_on(temporal, those, "restored")
    assert temporal.reasons == dict.fromkeys((GOES, REFUSED), "TERMINATED restored")
    return those


async def test_a_program_reads_which_was_refused_and_why(found: Findings) -> None:
    said = document(by_kind(found.differences), is_applied=True)["differences"]
    assert isinstance(said, list)
    assert {one["id"]: (one["is_mended"], one["obstacle"]) for one in said} == {
        GOES: (True, None),
        REFUSED: (False, WHY),
    }


async def test_a_person_reads_it_first_with_where_to_read_on(
    found: Findings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    show(by_kind(found.differences), is_applied=True)
    shown = capsys.readouterr().out
    assert f"refused TERMINATED: {WHY}" in shown
    assert shown.index("refused TERMINATED") < shown.index("goes TERMINATED")
    assert "1 could not be mended: docs/restoring.md" in shown
