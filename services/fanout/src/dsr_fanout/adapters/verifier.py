"""The verifier's ledger over HTTP: who is missing, and how far the phases have come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsr_core.errors import Unavailable
from dsr_core.phases import PHASES_LIMIT
from dsr_fanout.adapters.calls import Calls
from dsr_fanout.orders import CohortPhases

__all__ = ["HttpLedger"]


class HttpLedger:
    """The port `Ledger`, over the verifier's read API."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def look(self) -> str:
        """Return once it has answered."""
        await self._calls.get("/livez")
        return "answers"

    async def missing(self, cohort_id: str) -> Mapping[str, Sequence[str]] | None:
        """Return the systems that have not confirmed, or none where the cohort is unknown.

        Those that the ledger has under a hold are among them: a workflow knows of a hold's end
        before the ledger has heard of it.
        """
        answer = await self._calls.get(f"/v1/cohorts/{cohort_id}/missing")
        if answer.status == 404:
            return None
        match answer.json():
            case {"systems": dict(systems), "held": dict(held)}:
                return _merged(systems, held)
            case {"systems": dict(systems)}:  # by a verifier from before there were holds
                return _merged(systems, {})
            case _:
                raise Unavailable("the verifier's answer does not say who is missing")

    async def phases(self, cohort_id: str) -> CohortPhases | None:
        """Return how far the phases of a cohort have come, or none where the cohort is unknown.

        A verifier from before there were phases has none on record.
        """
        answer = await self._calls.get(f"/v1/cohorts/{cohort_id}/missing")
        if answer.status == 404:
            return None
        match answer.json():
            case {"phases": [_, *_] as phases}:
                return CohortPhases(confirmed=sum(1 for one in phases if _is_confirmed(one)))
            case _:
                return CohortPhases(confirmed=PHASES_LIMIT)


def _is_confirmed(phase: object) -> bool:
    match phase:
        case {"confirmed_at": confirmed_at}:
            return confirmed_at is not None
        case _:
            raise Unavailable("the verifier's answer does not say which phases are confirmed")


def _merged(
    systems: Mapping[object, object], held: Mapping[object, object]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for system, requests in (*systems.items(), *held.items()):
        found[str(system)] = (*found.get(str(system), ()), *_texts(requests))
    return found


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Unavailable("the verifier's answer does not say which requests are missing")
    return tuple(value)
