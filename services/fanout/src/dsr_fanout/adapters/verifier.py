"""The verifier's ledger over HTTP: who is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsr_core.errors import Unavailable
from dsr_fanout.adapters.calls import Calls

__all__ = ["HttpLedger"]


class HttpLedger:
    """The port `Ledger`, over the verifier's read API."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def missing(self, cohort_id: str) -> Mapping[str, Sequence[str]] | None:
        """Return the systems that have not confirmed, or none where the cohort is unknown."""
        answer = await self._calls.get(f"/v1/cohorts/{cohort_id}/missing")
        if answer.status == 404:
            return None
        match answer.json():
            case {"systems": dict(systems)}:
                return {str(system): _texts(requests) for system, requests in systems.items()}
            case _:
                raise Unavailable("the verifier's answer does not say who is missing")


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Unavailable("the verifier's answer does not say which requests are missing")
    return tuple(value)
