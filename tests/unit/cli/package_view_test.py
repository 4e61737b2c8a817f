"""How a package stands, in the terminal: its way to the callback of an API client too."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from dsr_cli.view.packages import package_view

PACKAGE: dict[str, Any] = {
    "state": "ready",
    "is_partial": False,
    "number": 1,
    "made_at": "2026-03-02T09:30:00Z",
    "expires_at": "2026-04-01T09:30:00Z",
    "files": 3,
    "size": 20_000_000,
    "missing": {},
    "links": [],
}
WAY: dict[str, Any] = {
    "number": 1,
    "state": "sending",
    "parts": 3,
    "parts_confirmed": 1,
    "tries": 0,
    "next_try_at": "2026-03-02T10:00:00Z",
    "ended_at": None,
}


def shown(**changes: Any) -> str:
    text = io.StringIO()
    package = PACKAGE | {"hand_overs": [WAY | changes]}
    Console(file=text, width=120).print(package_view(package))
    return text.getvalue().splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "callback sending, 1 of 3 parts"),
        ({"state": "waiting", "parts": None}, "callback waiting"),
        ({"tries": 2}, "callback sending, 1 of 3 parts, not taken 2 times, again 2026-03-02 10:00"),
        (
            {"state": "handed_over", "parts_confirmed": 3, "ended_at": "2026-03-02T11:00:00Z"},
            "callback handed over, 3 of 3 parts, 2026-03-02 11:00",
        ),
        ({"number": 2}, "callback sending of package 2, 1 of 3 parts"),
    ],
)
def test_how_far_a_package_is_on_its_way_is_one_line(changes: dict[str, Any], line: str) -> None:
    assert shown(**changes) == line


def test_an_intake_of_before_tells_of_no_callback() -> None:
    text = io.StringIO()
    Console(file=text, width=120).print(package_view(PACKAGE))
    assert "callback" not in text.getvalue()
