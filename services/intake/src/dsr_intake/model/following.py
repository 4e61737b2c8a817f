"""Why requests follow closed ones."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["FollowsWhy"]


class FollowsWhy(StrEnum):
    """Why a request follows a closed one."""

    EXEMPTION_REVIEW = "exemption_review"
    """A system kept data on a legal ground, and the date has come to review that."""

    VERIFICATION = "verification"
    """A system is asked, long after it has erased, whether what it erased is still gone."""

    APPEAL = "appeal"
    """The person asks that a decision be reviewed."""
