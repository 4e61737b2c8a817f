"""One request in full, as `dsr show` prints it."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from dsr_cli.view.request import request_view


def shown(*obligations: dict[str, Any], state: str = "answered", **facts: Any) -> str:
    usual = {
        "organisation_id": "example-group",
        "disposition": "erased",
        "is_confirmed": True,
        "records": 3,
    }
    listed = [{**usual, **one} for one in obligations]
    text = io.StringIO()
    view = request_view({"id": "one", "state": state}, {"obligations": listed, **facts}, None)
    Console(file=text, width=120).print(view)
    return text.getvalue()


def test_a_request_names_what_it_follows_and_that_nobody_is_asked_while_it_waits() -> None:
    text = io.StringIO()
    one = {"id": "two", "state": "awaiting_decision", "follows": "one", "follows_why": "appeal"}
    Console(file=text, width=120).print(request_view(one, {"obligations": []}, None))
    assert "one (appeal)" in text.getvalue()
    assert "no system has been asked" in text.getvalue()


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


def test_who_is_waited_for_is_shown_while_a_request_is_stopped() -> None:
    text = shown(
        {"system_id": "crm", "disposition": None, "is_confirmed": False},
        {"system_id": "mailer", "disposition": "stopped"},
        state="stopping",
    )
    assert "waiting for crm" in text
    assert "have confirmed" not in text


def test_a_held_system_is_shown_as_held_and_not_as_waited_for() -> None:
    held = {"system_id": "crm", "disposition": None, "is_confirmed": False, "is_held": True}
    text = shown(held, {"system_id": "mailer"}, state="on_hold")
    assert "no answer yet (held)" in text
    assert "held in crm" in text
    assert "waiting for" not in text
    missing = {"system_id": "mailer", "disposition": None, "is_confirmed": False}
    assert "waiting for mailer; held in crm" in shown(held, missing, state="on_hold")


def test_an_answer_by_two_people_and_an_erasure_under_a_hold_are_shown_as_such() -> None:
    by = {"proposed_by": "operator-a", "approved_by": "operator-b", "revision": 2, "reason": ""}
    text = shown(
        {"system_id": "crm", "settled_by": by},
        {"system_id": "mailer"},
        breaches=[{"system_id": "mailer", "hold_id": "one"}],
    )
    assert "erased (settled by operator-a and operator-b)" in text
    assert "erased under a legal hold by mailer" in text


def test_a_request_that_ended_before_a_system_had_answered_says_who_had_not() -> None:
    unanswered = {"system_id": "crm", "disposition": None, "is_confirmed": False}
    text = shown(unanswered, {"system_id": "mailer"}, state="closed")
    assert "ended without an answer by crm" in text


def test_a_request_of_which_no_system_was_told_is_not_said_to_be_confirmed() -> None:
    assert "no system has been asked" in shown(state="awaiting_identity")
    assert "are being opened" in shown(state="open")
