"""Cohorts: what subject requests must share to be orchestrated by one workflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from dsr_core.plan import Scope
from dsr_core.rights import Right

__all__ = ["COHORT_LIMIT", "CohortKey", "workflow_id"]

COHORT_LIMIT = 250
"""Members of one cohort at most; keeps every message about it well under Kafka's megabyte."""


@dataclass(frozen=True, slots=True)
class CohortKey:
    """Everything that decides a request's plan and dates; equal keys have equal plans and dates."""

    right: Right
    regime: str
    jurisdiction: str
    scope: Scope
    identifier_kinds: tuple[str, ...]
    registry_digest: str
    rules_digest: str
    received_on: date
    """The day of receipt, in the zone of the establishment."""

    due_at: datetime


def workflow_id(cohort_id: str) -> str:
    """Return the id of the workflow that orchestrates a cohort."""
    return f"dsr-{cohort_id}"
