"""What `dsr explain` prints."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from dsr_cli.view.explanation import explanation_view

DATE = {
    "name": "respond_by",
    "at": "2026-04-02T23:59:59+02:00",
    "rule": "GDPR art. 12(3) (version 1)",
    "why": "",
}
BLOCKER = {
    "kind": "system_unanswered",
    "what": "billing has not answered",
    "system_id": "billing",
    "organisation_id": "cloud-europe",
    "owner": "Billing team",
    "contact": "billing@example.com",
    "since": "2026-03-02T09:00:05Z",
    "next": {"at": "2026-03-17T09:00:00Z", "what": "the systems are reminded"},
}


def printed(*blockers: dict[str, Any], next_date: dict[str, str] | None = None) -> str:
    console = Console(width=100, file=StringIO())
    with console.capture() as captured:
        console.print(explanation_view({"blockers": blockers, "next_date": next_date}))
    return captured.get()


def test_who_what_since_and_next_are_said() -> None:
    text = printed(BLOCKER, next_date=DATE)
    for part in ("billing has not answered", "Billing team", "2026-03-02 09:00", "2026-03-17"):
        assert part in text
    assert "next legal date: 2026-04-02 respond by, GDPR art. 12(3)" in text


def test_past_every_date_it_says_so() -> None:
    assert "every legal date has passed" in printed(BLOCKER)


def test_what_nobody_can_change_comes_by_itself() -> None:
    alone = {**BLOCKER, "owner": None, "contact": None, "next": None}
    assert "nobody: it comes by itself" in printed(alone, next_date=DATE)


def test_an_answered_request_has_nothing_that_keeps_it_open() -> None:
    assert "the requester has the answer" in printed()
