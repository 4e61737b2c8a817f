"""The three kinds of error carry what their mapping needs."""

from __future__ import annotations

import pytest

from dsr_core.errors import DsrError, RejectedInput, RuleViolation, Unavailable


def test_rejected_input_says_why_and_where() -> None:
    error = RejectedInput("invalid_field", "scope is empty", field="scope")
    assert (error.reason, error.detail, error.field) == ("invalid_field", "scope is empty", "scope")
    assert str(error) == "invalid_field: scope is empty"


def test_rejected_input_needs_no_place() -> None:
    assert RejectedInput("empty", "nothing").field is None


def test_rule_violation_says_why() -> None:
    error = RuleViolation("impossible_transition", "not now")
    assert (error.reason, error.detail) == ("impossible_transition", "not now")
    assert str(error) == "impossible_transition: not now"


@pytest.mark.parametrize("kind", [RejectedInput, RuleViolation, Unavailable])
def test_every_error_of_the_project_has_one_root(kind: type[Exception]) -> None:
    assert issubclass(kind, DsrError)
