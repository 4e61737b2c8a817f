"""One request in full, as `dsr show` prints it."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from dsr_cli.view.request import request_view


def shown(*obligations: dict[str, Any], state: str = "answered") -> str:
    usual = {
        "organisation_id": "example-group",
        "disposition": "erased",
        "is_confirmed": True,
        "records": 3,
    }
    listed = [{**usual, **one} for one in obligations]
    text = io.StringIO()
    view = request_view({"id": "one", "state": state}, {"obligations": listed}, None)
    Console(file=text, width=120).print(view)
    return text.getvalue()


def test_a_contradiction_since_the_closing_is_not_hidden_by_it() -> None:
    text = shown({"system_id": "crm", "contradicts_closure": True}, {"system_id": "mailer"})
    assert "erased (contradicted since the closing)" in text
    assert "closed, and contradicted since by crm" in text
    assert "have confirmed" not in text


def test_a_request_that_nothing_contradicts_is_confirmed_by_all() -> None:
    text = shown({"system_id": "crm", "contradicts_closure": False}, {"system_id": "mailer"})
    assert "all 2 systems have confirmed" in text
    assert "contradicted" not in text


def test_a_contradiction_before_the_closing_is_shown_with_who_is_waited_for() -> None:
    text = shown(
        {"system_id": "crm", "is_confirmed": False, "is_contradicted": True},
        {"system_id": "mailer"},
        state="open",
    )
    assert "erased (contradicted)" in text
    assert "waiting for crm" in text
