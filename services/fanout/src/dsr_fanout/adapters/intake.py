"""Intake over HTTP: sealing, and how a cohort stands."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from dsr_contracts.v1 import notices_pb2
from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_fanout.adapters.calls import Answer, Calls
from dsr_fanout.orders import CohortProgress
from dsr_wire.codec.notices import SystemNotice, system_notice_from_wire
from dsr_wire.envelope import CONTENT_TYPE

__all__ = ["HttpIntake"]


class HttpIntake:
    """The port `Intake`, over intake's internal API."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def look(self) -> str:
        """Return once it has answered."""
        await self._calls.get("/livez")
        return "answers"

    async def seal(
        self,
        cohort_id: str,
        *,
        registry_digest: str,
        system_ids: Sequence[str],
        request_ids: Sequence[str],
    ) -> tuple[SystemNotice, ...]:
        """Return the identities of requests, sealed for systems."""
        request = notices_pb2.SealRequest(
            registry_digest=registry_digest, system_ids=system_ids, request_ids=request_ids
        )
        path = f"/internal/v1/cohorts/{cohort_id}/identities:seal"
        answer = await self._calls.post(path, request.SerializeToString(), CONTENT_TYPE)
        if answer.status == 404:
            raise RuleViolation("unknown_cohort", "intake does not know this cohort")
        try:
            response = notices_pb2.SealResponse.FromString(answer.body)
            return tuple(system_notice_from_wire(one) for one in response.systems)
        except (DecodeError, RejectedInput) as error:
            raise Unavailable("intake's answer is not a SealResponse") from error

    async def give_up_identity(self, cohort_id: str) -> CohortProgress:
        """Have a cohort of one end as not verified; return how it stands."""
        return await self._given_up(f"/internal/v1/cohorts/{cohort_id}/identity:give-up")

    async def give_up_stopping(self, cohort_id: str) -> CohortProgress:
        """Have a cohort of one that is being stopped end with what is known; return how it stands."""
        return await self._given_up(f"/internal/v1/cohorts/{cohort_id}/stopping:give-up")

    async def _given_up(self, path: str) -> CohortProgress:
        answer = await self._calls.post(path, b"", CONTENT_TYPE)
        if answer.status == 404:
            raise RuleViolation("unknown_cohort", "intake does not know this cohort")
        return _progress(answer)

    async def progress(self, cohort_id: str) -> CohortProgress | None:
        """Return how many members of a cohort are open."""
        answer = await self._calls.get(f"/internal/v1/cohorts/{cohort_id}")
        return None if answer.status == 404 else _progress(answer)


def _progress(answer: Answer) -> CohortProgress:
    document = answer.json()
    match document:
        case {"members": int(members), "open_members": int(open_members)} if (
            0 <= open_members <= members
        ):
            leavers = document.get("open_leavers", 0)  # an older intake says nothing of them
            return CohortProgress(
                members=members,
                open_members=open_members,
                open_leavers=leavers if isinstance(leavers, int) else 0,
            )
        case _:
            raise Unavailable("intake's answer does not say how the cohort stands")
