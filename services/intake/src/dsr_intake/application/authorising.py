"""Authorising: what follows when it is shown that somebody may ask for another person."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from dsr_core.errors import RejectedInput
from dsr_core.law.proofs import Authority, Evidence, Role
from dsr_core.law.rules import Regime
from dsr_core.lifecycle import Event, State, advance
from dsr_core.rights import RIGHTS
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.forming import SOURCE
from dsr_intake.application.identifying import Identifying
from dsr_intake.metrics import Metrics
from dsr_intake.model import AuthorityShown, DecisionEntry, RequestView
from dsr_intake.ports import IdentityStore, ReadStore, RegistryView
from dsr_wire.codec.lifecycle import StateChange, states_changed_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import LIFECYCLE

__all__ = ["Authorising", "opens_once_shown"]

_EVENTS = uuid.UUID("b7f5f0c3-7f43-5b1e-8e0b-0b3f6f1f2a77")
"""The namespace of the ids of what is told here: the same decision has the same id for ever."""


class Authorising:
    """Moves requests that await the authority of who asks."""

    def __init__(
        self,
        *,
        reads: ReadStore,
        proofs: IdentityStore,
        identifying: Identifying,
        registry: RegistryView,
        dating: Dating,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._reads = reads
        self._proofs = proofs
        self._identifying = identifying
        self._registry = registry
        self._dating = dating
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed

    async def prove(
        self, request_id: str, *, by: str, reason: str, evidence: Evidence | None
    ) -> RequestView | None:
        """Take it as shown that the requester may ask; none where there is no such request.

        It opens where the client had attested who asks and its law leaves the proof to nobody else;
        else it awaits that proof, by the same date. The decision, its reason and what follows are
        durable together.

        Raises:
            RuleViolation: The request does not await an authority; the detail says what it is.
            RejectedInput: The evidence is none that the law takes from such a requester.
            Unavailable: The rules that the request pins have not arrived.
        """
        one = await self._reads.any(request_id)
        if one is None:
            return None
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        _check(regime.authority_of(Role(one.requester_role)), evidence)
        entry = _entry(one, by=by, reason=reason, evidence=evidence, now=self._clock())
        if opens_once_shown(one, regime, evidence):
            await self._identifying.admit(one, regime, AuthorityShown(entry, ()))
        else:
            await self._proofs.authorise(
                AuthorityShown(entry, (_awaits(one, entry.recorded_at),)),
                decide=lambda state: advance(state, Event.PROVE_AUTHORITY),
            )
            self._on_committed()
        self._metrics.authorities.inc()
        return await self._reads.any(request_id)


def opens_once_shown(one: RequestView, regime: Regime, evidence: Evidence | None) -> bool:
    """Tell whether a request opens with its authority, so that no proof of who asks is awaited after it.

    Its client has attested who asks, and its law leaves that proof to nobody else; or its right asks
    for no such proof.
    """
    demanded = regime.authority_of(Role(one.requester_role))
    is_persons = demanded is not None and demanded.leaves_proof_to_person(evidence)
    return one.is_attested and not (is_persons and RIGHTS[one.right].asks_who)


def _check(demanded: Authority | None, evidence: Evidence | None) -> None:
    if demanded is None or evidence is None or demanded.is_shown_by(evidence):
        return
    detail = f"it is shown by {' or '.join(demanded.needs)}: {demanded.citation}"
    raise RejectedInput("authority_not_shown", detail, field="evidence")


def _entry(
    one: RequestView, *, by: str, reason: str, evidence: Evidence | None, now: datetime
) -> DecisionEntry:
    return DecisionEntry(
        request_id=one.request_id,
        revision=one.commands,  # no command tells of it
        kind=Event.PROVE_AUTHORITY.value,
        decided_by=by,
        reason=reason,
        effective_at=now,
        recorded_at=now,
        details={"evidence": evidence.value} if evidence else {},
    )


def _awaits(one: RequestView, at: datetime) -> Outgoing:
    change = StateChange(one.request_id, State.AWAITING_IDENTITY, "", at)
    return encode(
        states_changed_to_wire(one.cohort_id, [change]),
        topic=LIFECYCLE.name,
        key=one.cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, f"{one.request_id}/authority")),
        source=SOURCE,
        at=at,
    )
