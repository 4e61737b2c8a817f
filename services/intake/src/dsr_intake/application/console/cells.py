"""The matrix of requests by systems: where each obligation stands, in one word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from dsr_core.errors import Unavailable
from dsr_core.ids import OrganisationId, RequestId, SystemId
from dsr_core.registry import Registry
from dsr_core.rights import STOPPING, Disposition
from dsr_intake.model.console import RequestProgress

__all__ = [
    "Column",
    "Standing",
    "columns",
    "owners",
    "progress_of",
    "standing",
    "standings",
]


class Standing(StrEnum):
    """Where one system stands with one request."""

    CONFIRMED = "confirmed"
    KEPT = "kept"
    """Confirmed, and something is kept on a legal ground."""

    NOTHING = "nothing"
    """Confirmed: it holds nothing of this person."""

    COMING = "coming"
    """It has said that its answer is coming, or has yet to look again."""

    WAITING = "waiting"
    """It has said nothing yet."""

    FAILED = "failed"
    UNRESOLVABLE = "unresolvable"
    CONTRADICTED = "contradicted"
    HELD = "held"
    """A legal hold suspends it."""

    STOPPED = "stopped"
    """The request ended before it was done there."""


_CONFIRMED: dict[Disposition | None, Standing] = {
    Disposition.NOT_FOUND: Standing.NOTHING,
    Disposition.EXEMPT: Standing.KEPT,
    Disposition.PARTIALLY_EXEMPT: Standing.KEPT,
    Disposition.REFUSED: Standing.KEPT,
}
"""Where a confirmed obligation stands, where that is another than confirmed."""

_OPEN: dict[Disposition | None, Standing] = {
    Disposition.FAILED: Standing.FAILED,
    Disposition.PRESENT: Standing.FAILED,
    Disposition.UNRESOLVABLE: Standing.UNRESOLVABLE,
}
"""Where one that is not confirmed stands, where that takes somebody to do something."""


def standing(progress: RequestProgress, system_id: SystemId) -> Standing | None:
    """Return where a system stands with a request; none where it was not asked."""
    if system_id not in progress.answers:
        return None
    answer = progress.answers[system_id]
    if system_id in progress.contradicted:
        return Standing.CONTRADICTED
    if answer in STOPPING:
        return Standing.STOPPED
    if system_id in progress.confirmed:
        return _CONFIRMED.get(answer, Standing.CONFIRMED)
    if system_id in progress.held and answer not in _OPEN:
        return Standing.HELD
    return _OPEN.get(answer, Standing.COMING if answer else Standing.WAITING)


def standings(progress: RequestProgress) -> dict[SystemId, Standing | None]:
    """Return where every system stands that was asked."""
    return {one: standing(progress, one) for one in progress.answers}


def progress_of(document: Mapping[str, Any]) -> RequestProgress:
    """Return how far a request is, by what the verifier says of its obligations.

    Raises:
        Unavailable: It cannot be read.
    """
    try:
        owed = document["obligations"]

        def those(mark: str) -> frozenset[SystemId]:
            return frozenset(SystemId(one["system_id"]) for one in owed if one.get(mark))

        return RequestProgress(
            request_id=RequestId(document["request_id"]),
            is_closed=document.get("closed_at") is not None,
            answers={
                SystemId(one["system_id"]): Disposition(said)
                if (said := one.get("disposition"))
                else None
                for one in owed
            },
            confirmed=those("is_confirmed"),
            contradicted=those("is_contradicted"),
            held=those("is_held"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the verifier's obligations cannot be read") from error


@dataclass(frozen=True, slots=True)
class Column:
    """A system of the matrix."""

    system_id: SystemId
    organisation_id: OrganisationId
    is_first: bool
    """Whether it is the first of its organisation."""


def columns(
    asked: Iterable[RequestProgress], registry: Registry | None, *, limit: int, skipped: int = 0
) -> tuple[list[Column], int]:
    """Return the systems that any of the requests asks, by organisation, and how many there are."""
    known = owners(registry)
    systems = {system_id for one in asked for system_id in one.answers}
    found = sorted((known.get(one, OrganisationId("")), one) for one in systems)
    shown = found[skipped : skipped + limit]
    made = [
        Column(system_id, organisation_id, is_first=place == 0)
        for organisation_id, group in groupby(shown, key=lambda one: one[0])
        for place, (_, system_id) in enumerate(group)
    ]
    return made, len(found)


def owners(registry: Registry | None) -> dict[SystemId, OrganisationId]:
    """Return whose each system is."""
    return {one.id: one.organisation_id for one in registry.systems} if registry else {}
