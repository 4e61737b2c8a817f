"""The breaker, as it is shown and decided about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

__all__ = [
    "DAY",
    "EVERYWHERE",
    "BreakerLimits",
    "BreakerRefusal",
    "BreakerRelease",
    "BreakerScope",
    "Stopped",
]

DAY = timedelta(days=1)
"""The longer of the two times that are looked at: any 24 hours."""

EVERYWHERE = "*"
"""The scope that every erasure counts for, whatever the organisation."""


class BreakerLimits(NamedTuple):
    """How many erasures of a scope may pass, releases apart."""

    window: int
    day: int


_NOT_KNOWN = BreakerLimits(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerScope:
    """The whole group or one organisation: how many erasures have passed, and whether more may."""

    scope: str
    erasures: int
    """Passed within the window."""

    extra: int
    """What releases allow within the window on top of the limit."""

    day_erasures: int
    """Passed within a day."""

    day_extra: int
    """What releases allow within a day on top of its limit."""

    waiting: int
    """Requests that wait to pass."""

    tripped_at: datetime | None
    """Since when erasures are stopped; none where they are not."""

    limits: BreakerLimits = _NOT_KNOWN

    @property
    def share(self) -> float:
        """How much of what may pass has passed, within the window or within a day: what is more."""
        return max(
            self.erasures / max(self.limits.window + self.extra, 1),
            self.day_erasures / max(self.limits.day + self.day_extra, 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRelease:
    """That erasures go on, proposed by one person; it counts once another has approved it."""

    release_id: str
    scope: str
    tripped_at: datetime
    extra: int
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRefusal:
    """That what waits is refused, proposed by one person; carried out once another has approved it."""

    refusal_id: str
    scope: str
    client_id: str | None
    """Whose requests are refused; none for everybody's."""

    ground: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    """What comes to wait later is not meant."""

    waiting: int = 0
    """Requests that it would have refused when it was proposed."""

    approved_by: str | None = None
    approved_at: datetime | None = None
    refused: int = 0
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A cohort that waits before the breaker."""

    organisation_ids: tuple[str, ...]
    since: datetime
