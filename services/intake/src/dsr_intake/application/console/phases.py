"""In which order the systems of a request are asked, and how far that has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dsr_core.errors import Unavailable

__all__ = ["ShownPhase", "phases_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPhase:
    """A part of the systems, which is asked once those of the earlier parts have confirmed."""

    number: int
    """Counts from 1, as `dsr plan` does."""

    systems: tuple[str, ...]
    told_at: datetime | None
    """None while its systems wait."""

    is_due: bool
    """Whether they were told since a date had come, whatever the earlier ones had answered."""

    confirmed_at: datetime | None
    """None of the last one, always."""


def phases_of(document: Mapping[str, Any]) -> list[ShownPhase]:
    """Return the phases of a request, by what the verifier says of its obligations; none where all are asked at once.

    Raises:
        Unavailable: It cannot be read.
    """
    try:
        members: defaultdict[int, list[str]] = defaultdict(list)
        for one in document["obligations"]:
            members[one.get("phase", 0)].append(one["system_id"])
        return [
            ShownPhase(
                number=one["phase"] + 1,
                systems=tuple(sorted(members[one["phase"]])),
                told_at=_moment(one["told_at"]),
                is_due=one["is_due"],
                confirmed_at=_moment(one["confirmed_at"]),
            )
            for one in document.get("phases", ())
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the verifier's phases cannot be read") from error


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
