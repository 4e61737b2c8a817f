"""The matrix of requests by systems: a cell for each obligation, with where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from dsr_core.rights import Right
from dsr_intake.application.console.cells import Column, Standing, columns, standing
from dsr_intake.application.console.looking import Line
from dsr_intake.http.console.filters import found, next_address
from dsr_intake.http.console.frame import Frame, Visit

__all__ = ["add"]

_ROWS = 30
_COLUMNS = 40
"""Systems that are shown side by side; a group with more is looked through page by page."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request, and where each system of the page stands with it."""

    line: Line
    cells: tuple[tuple[Column, Standing | None, str], ...]
    """Of each column where it stands, and what the system has said in its own words."""


def add(routes: APIRouter, frame: Frame) -> None:
    """Add the page."""

    async def shown(visit: Visit) -> Response:
        page = await found(visit, limit=_ROWS)
        asked = [one.progress for one in page.lines if one.progress is not None]
        skipped = _skipped(visit)
        made, systems = columns(asked, visit.looking.registry, limit=_COLUMNS, skipped=skipped)
        return visit.page(
            "matrix",
            "Matrix",
            page=page,
            rows=[_row(one, made) for one in page.lines],
            columns=made,
            systems=systems,
            skipped=skipped,
            left=_to_columns(visit, skipped - _COLUMNS) if skipped else None,
            right=_to_columns(visit, skipped + _COLUMNS) if skipped + _COLUMNS < systems else None,
            rights=list(Right),
            next_address=next_address(visit, page),
        )

    frame.add(routes, "/matrix", shown)


def _row(line: Line, shown: list[Column]) -> Row:
    progress = line.progress
    if progress is None:
        return Row(line, tuple((one, None, "") for one in shown))
    return Row(
        line,
        tuple(
            (one, standing(progress, one.system_id), progress.answers.get(one.system_id) or "")
            for one in shown
        ),
    )


def _skipped(visit: Visit) -> int:
    given = visit.asked("columns")
    return int(given) if given.isdecimal() and len(given) < 6 else 0


def _to_columns(visit: Visit, skipped: int) -> str:
    return visit.place(columns=str(max(skipped, 0)) or None)
