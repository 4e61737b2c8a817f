"""What follows a closed request, as an operator sees it."""

from __future__ import annotations

from rich.console import Console

from dsr_cli.view.follow_ups import follow_ups_view

LOOK = {"system_id": "crm", "at": "2026-05-14T07:21:40Z", "is_back": False, "records": 0}
ONE = {
    "id": "two",
    "why": "verification",
    "state": "answered",
    "system_ids": ["crm"],
    "looks": [{**LOOK, "is_back": True, "records": 3}, LOOK],
}


def printed(*follow_ups: object) -> str:
    console = Console(width=120, no_color=True)
    with console.capture() as capture:
        console.print(follow_ups_view(list(follow_ups)))  # type: ignore[arg-type]  # as given
    return capture.get()


def test_what_was_back_and_what_is_gone_is_said_with_system_and_time() -> None:
    text = printed(ONE)
    assert "2026-05-14 07:21 crm: 3 records were back" in text
    assert "2026-05-14 07:21 crm: still gone" in text
    assert "verification" in text


def test_what_concerns_all_systems_says_so() -> None:
    assert "all" in printed({**ONE, "why": "appeal", "system_ids": [], "looks": []})
