"""The three kinds of error, told apart by type and never by text.

Every error of this project is one of these. They are mapped in three places only: to a problem
document in a service's `http/problems.py`, to a dead letter in `streams/`, and to a Temporal failure
in `activities/`.
"""

from __future__ import annotations

__all__ = ["DsrError", "RejectedInput", "RuleViolation", "Unavailable"]


class DsrError(Exception):
    """The root of this project's errors; never raised itself."""


class RejectedInput(DsrError):  # noqa: N818 - named for what has happened, as the glossary does
    """The caller is wrong, and the same input will be wrong again.

    Attributes:
        reason: A code of lower-case words joined by underscores, fit for a metric label.
        detail: One sentence for a person. Never holds a personal value.
        field: Where in the input, as a JSON pointer, if one place is to blame.
    """

    def __init__(self, reason: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.field = field


class RuleViolation(DsrError):  # noqa: N818 - see RejectedInput
    """The input is well formed, and the domain says no in the present state.

    Attributes:
        reason: As in RejectedInput.
        detail: As in RejectedInput.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Unavailable(DsrError):  # noqa: N818 - see RejectedInput
    """Something outside is down; the same call can succeed later."""
