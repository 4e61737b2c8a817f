"""The breaker, as it is shown and decided about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["EVERYWHERE", "BreakerRefusal", "BreakerRelease", "BreakerScope", "Stopped"]

EVERYWHERE = "*"
"""The scope that every erasure counts for, whatever the organisation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerScope:
    """The whole group or one organisation: how many erasures have passed, and whether more may."""

    scope: str
    erasures: int
    """Passed within the window."""

    limit: int
    extra: int
    """What releases allow within the window on top of the limit."""

    waiting: int
    """Requests that wait to pass."""

    tripped_at: datetime | None
    """Since when erasures are stopped; none where they are not."""


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
