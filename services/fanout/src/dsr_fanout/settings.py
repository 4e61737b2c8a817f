"""Fanout's settings: read once, in `__main__`. docs/settings.md has them all."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from dsr_runtime.settings import (
    HttpSettings,
    KafkaSettings,
    LogSettings,
    TemporalSettings,
    TracingSettings,
)

__all__ = ["FanoutSettings"]


class FanoutSettings(LogSettings, TracingSettings, HttpSettings, KafkaSettings, TemporalSettings):
    """Everything that fanout is told from outside."""

    intake_url: str = Field(pattern=r"^https?://")
    """Intake's address; its internal API seals and counts cohorts."""

    verifier_url: str = Field(pattern=r"^https?://")
    """The verifier's address; its ledger says who is missing."""

    reminder_after: float = Field(default=0.5, gt=0, lt=1)
    """When to remind a cohort from before there were rules, as a part of the time to the legal date."""

    reminder_after_seconds: float | None = Field(default=None, gt=0)
    """When to remind, as seconds after the first notice; goes before `reminder_after`."""

    temporal_task_queue: str = Field(default="dsr-fanout", min_length=1)
    """Where workflow tasks are taken from."""

    concurrent_starts: int = Field(default=100, ge=1, le=1000)
    """Workflows being started, and hints being given, at one time."""

    concurrent_workflow_tasks: int = Field(default=40, ge=2, le=1000)
    """Workflow tasks in hand. More would not be faster on one core, and each would take longer."""

    cached_workflows: int = Field(default=250, ge=0, le=100_000)
    """Workflows kept in memory, at 0.3 MB each; the rest are replayed when they are woken."""

    @property
    def reminder_fixed(self) -> timedelta | None:
        """The fixed delay of the reminder, if one is set."""
        seconds = self.reminder_after_seconds
        return None if seconds is None else timedelta(seconds=seconds)
