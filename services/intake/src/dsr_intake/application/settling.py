"""Settling: an answer in place of a system, proposed by one person and approved by another."""

from __future__ import annotations

import os

from dsr_core.errors import RejectedInput
from dsr_core.ids import SystemId, uuid7
from dsr_core.lifecycle import Event, State, advance
from dsr_core.replan import replan
from dsr_core.rights import CONFIRMING, Disposition
from dsr_intake.application.clock import Clock
from dsr_intake.application.deciding import Deciding, Resolution
from dsr_intake.application.two_people import require_another
from dsr_intake.model import Proposal, RequestView
from dsr_intake.ports import ProposalStore, ReadStore, RegistryView
from dsr_wire.codec.decisions import ObligationSettled

__all__ = ["Settling"]

_BY_SYSTEMS_ONLY = frozenset({Disposition.EXEMPT, Disposition.PARTIALLY_EXEMPT, Disposition.ABSENT})
"""An exemption has a ground and a date, which only the system that keeps the data states; and only a
system looks again."""

_STOPPED = frozenset({Disposition.STOPPED, Disposition.TOO_LATE})


class Settling:
    """Takes answers in place of systems that cannot give one."""

    def __init__(
        self,
        *,
        deciding: Deciding,
        reads: ReadStore,
        proposals: ProposalStore,
        registry: RegistryView,
        clock: Clock,
    ) -> None:
        self._deciding = deciding
        self._reads = reads
        self._proposals = proposals
        self._registry = registry
        self._clock = clock

    async def propose(
        self, request_id: str, *, by: str, system_id: str, disposition: Disposition, reason: str
    ) -> Proposal | None:
        """Keep a proposal, which changes nothing yet; none where there is no such request.

        Raises:
            RuleViolation: The request's state does not allow an answer.
            RejectedInput: The system owes none, or the disposition would not end what it owes.
            Unavailable: The registry version that the request pins has not arrived.
        """
        one = await self._reads.any(request_id)
        if one is None:
            return None
        advance(one.state, Event.SETTLE)
        await self._check_owed(one, system_id)
        _check(one, disposition)
        now = self._clock()
        proposal = Proposal(
            proposal_id=uuid7(int(now.timestamp() * 1000), os.urandom(10)),
            request_id=one.request_id,
            system_id=SystemId(system_id),
            disposition=disposition,
            reason=reason,
            proposed_by=by,
            proposed_at=now,
        )
        await self._proposals.propose(proposal)
        return proposal

    async def _check_owed(self, one: RequestView, system_id: str) -> None:
        planned = await self._registry.version(one.registry_digest)
        later = [
            (each.published_at, each.registry) for each in self._registry.since(planned.digest)
        ]
        change = replan(planned, later, one.right, one.scope, received_at=one.received_at)
        if system_id in change.owing:
            return
        heirs = (each.heir.id for each in change.successions if each.retired == system_id)
        heir = next(heirs, None)
        detail = "the system owes no answer to this request"
        if heir is not None:
            detail = f"{detail}: {heir} answers for it"
        raise RejectedInput("unknown_system", detail, field="system_id")

    async def proposals(self, request_id: str) -> list[Proposal] | None:
        """Return what was proposed for a request, the oldest first; none where there is no request."""
        if await self._reads.any(request_id) is None:
            return None
        return await self._proposals.proposals(request_id)

    async def approve(self, request_id: str, proposal_id: str, *, by: str) -> RequestView | None:
        """Let a proposal count as the system's answer; none where there is no such proposal.

        Raises:
            RuleViolation: Who approves has proposed it, it was approved before, or the request's
                state does not allow an answer any more.
        """
        proposal = await self._proposals.proposal(proposal_id)
        if proposal is None or proposal.request_id != request_id:
            return None
        require_another(proposal.proposed_by, by)
        resolution = Resolution(
            event=Event.SETTLE,
            by=by,
            reason=proposal.reason,
            decision=ObligationSettled(
                system_id=proposal.system_id,
                disposition=proposal.disposition,
                proposed_by=proposal.proposed_by,
                approved_by=by,
                reason=proposal.reason,
            ),
            details={
                "system_id": proposal.system_id,
                "disposition": proposal.disposition.value,
                "proposed_by": proposal.proposed_by,
            },
            proposal_id=proposal_id,
        )
        return await self._deciding.decide(request_id, resolution)


def _check(one: RequestView, disposition: Disposition) -> None:
    allowed = CONFIRMING[one.right] - _BY_SYSTEMS_ONLY
    if one.state is State.STOPPING:
        allowed |= _STOPPED
    if disposition not in allowed:
        detail = f"what ends it is one of {', '.join(sorted(allowed))}"
        raise RejectedInput("disposition_not_allowed", detail, field="disposition")
