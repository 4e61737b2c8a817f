"""Tiers of appeals that have passed, as they are kept."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from dsr_core.law.rules import TierAction

__all__ = ["PassedTier"]


class PassedTier(NamedTuple):
    """A tier that has come, and was told of."""

    action: TierAction
    percent: int
    """0 where it was kept by a service of before: then each of its action that had come by then is meant."""

    passed_at: datetime
