"""Identifying: what follows when it is proven who asks, and when nobody has proven it in time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from google.protobuf.message import Message

from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.ids import RequestId
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.proofs import Level, Method
from dsr_core.law.rules import Regime
from dsr_core.lifecycle import PREMATURE, Event, State, advance
from dsr_intake.application.answering import Ends, ended
from dsr_intake.application.assurance import is_ever_lacking, needed
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating, verify_by
from dsr_intake.application.duplicating import repeated
from dsr_intake.application.forming import SOURCE, dated
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer, AuthorityShown, DecisionEntry, Known, Proof, RequestView
from dsr_intake.ports import ClosingStore, IdentityStore, ReadStore, RegistryView
from dsr_wire.codec.commands import Command, IdentityVerified, command_to_wire
from dsr_wire.codec.lifecycle import StateChange, states_changed_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import COMMANDS, LIFECYCLE

__all__ = ["Identifying"]

_EVENTS = uuid.UUID("6f0e3f6a-6a37-5d0a-9a0b-0b6f0f6d8f35")
"""The namespace of the ids of what is told here: the same proof has the same id for ever."""

_FIRST = 1
"""The revision of a proof: no command of a request comes before it."""


class Identifying:
    """Moves requests that await the proof of who asks."""

    def __init__(
        self,
        *,
        reads: ReadStore,
        proofs: IdentityStore,
        closing: ClosingStore,
        registry: RegistryView,
        dating: Dating,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._reads = reads
        self._proofs = proofs
        self._closing = closing
        self._registry = registry
        self._dating = dating
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed

    async def prove(
        self,
        request_id: str,
        *,
        method: Method,
        by: str,
        reason: str,
        proven_at: datetime | None,
        level: Level = Level.HIGH,
        code_number: int | None = None,
    ) -> RequestView | None:
        """Take it as proven who asks, so that systems are asked; none where there is no such request.

        The clock may count from the proof: the legal date is computed anew. Where the same person has
        asked for the same and that is open, it is answered with that one. The decision, its reason, the
        new date and the command to fanout are durable together.

        Raises:
            RuleViolation: The request does not await a proof, and the detail says what it is; or the
                proof is not sure enough for the data that is asked for, and it says what is needed.
            RejectedInput: The proof lies in the future, or before the receipt.
        """
        one = await self._reads.any(request_id)
        if one is None:
            return None
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        now = self._clock()
        at = now if proven_at is None else proven_at
        if not one.received_at <= at <= now:
            detail = "identity is proven between the receipt and now"
            raise RejectedInput("invalid_proof", detail, field="proven_at")
        await self._require(one, regime, method, level)
        entry = _entry(one, method=method, by=by, reason=reason, at=at, now=now)
        if method is Method.OPERATOR:
            entry = replace(entry, details={**entry.details, "level": level.value})
        proof = replace(self._proof(one, regime, entry, method), code_number=code_number)
        await self._write(one, proof, Event.PROVE_IDENTITY)
        return await self._reads.any(request_id)

    async def _require(
        self, one: RequestView, regime: Regime, method: Method, level: Level
    ) -> None:
        if one.state is not State.AWAITING_IDENTITY or not is_ever_lacking(regime, method, level):
            return
        registry = await self._registry.version(one.registry_digest)
        kinds, at = one.identifier_kinds, one.received_at
        wanted = needed(regime, registry, one.right, one.scope, kinds, received_at=at)
        lacks = wanted.lacks(method, level)
        if lacks is not None:
            raise RuleViolation("assurance_needed", lacks)

    async def admit(self, one: RequestView, regime: Regime, shown: AuthorityShown) -> None:
        """Open a request of which it is shown that its requester may ask, and attested who that is.

        Both decisions are durable together, with what follows from them.

        Raises:
            RuleViolation: It does not await an authority; the detail says what it is.
        """
        at = shown.entry.effective_at
        entry = _entry(
            one,
            method=Method.ATTESTED,
            by=f"client {one.client_id}",
            reason="the client has made sure who asks",
            at=at,
            now=at,
        )
        proof = replace(self._proof(one, regime, entry, Method.ATTESTED), authority=shown)
        await self._write(one, proof, Event.ADMIT)

    async def _write(self, one: RequestView, proof: Proof, event: Event) -> None:
        due_at, now = proof.due_at, proof.entry.recorded_at
        await self._proofs.prove(
            proof,
            decide=lambda state: advance(state, event),
            repeated=lambda twins: repeated(one, twins, due_at=due_at, at=now),
        )
        self._metrics.identities.labels(proof.method).inc()
        self._on_committed()

    async def give_up(self, cohort_id: str) -> None:
        """Close the request of a cohort of one as not verified, if its date for that has passed.

        Safe to repeat; a request that was proven, or has ended, is left as it is.

        Raises:
            RuleViolation: The date has not passed.
        """
        one = await self._reads.any(cohort_id)
        if one is None or one.state not in PREMATURE:
            return
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        until = verify_by(self._dating.timeline(regime, one))
        now = self._clock()
        if until is None or now <= until:
            detail = f"identity can still be proven, until {until}"
            raise RuleViolation("identity_still_awaited", detail)
        ends = Ends(now)
        answered, _ = await self._closing.answer(
            [one.request_id],
            decide=lambda known: _given_up(known, at=now),
            tell=ends.tell,
            at=now,
        )
        if answered:
            self._metrics.identities.labels("never").inc(answered)
            self._metrics.count_ends(ends.made)
            self._on_committed()

    def _proof(
        self, one: RequestView, regime: Regime, entry: DecisionEntry, method: Method
    ) -> Proof:
        at, now = entry.effective_at, entry.recorded_at
        facts = (*self._dating.facts(one), Fact(FactKind.IDENTITY_PROVEN, at))
        due_at = self._dating.of_facts(regime, one, facts).respond_by
        if due_at is None:
            raise RuntimeError(f"{regime.name} has no date after the proof of identity")
        due_at = due_at.astimezone(UTC)
        command = Command(
            cohort_id=one.cohort_id,
            request_id=one.request_id,
            revision=entry.revision,
            effective_at=at,
            recorded_at=now,
            decision=IdentityVerified(
                method=method,
                due_at=due_at,
                tiers=dated(regime.tiers, one.received_at, due_at),
            ),
        )
        change = StateChange(one.request_id, State.OPEN, "", now)
        return Proof(
            request_id=one.request_id,
            cohort_id=one.cohort_id,
            method=method,
            entry=entry,
            due_at=due_at,
            command=_record(COMMANDS.name, command_to_wire(command), one, "proven", now),
            records=(
                _record(
                    LIFECYCLE.name,
                    states_changed_to_wire(one.cohort_id, [change]),
                    one,
                    "opened",
                    now,
                ),
            ),
        )


def _entry(
    one: RequestView, *, method: Method, by: str, reason: str, at: datetime, now: datetime
) -> DecisionEntry:
    """Return a proof of who asks as it is kept."""
    return DecisionEntry(
        request_id=one.request_id,
        revision=_FIRST,
        kind=Event.PROVE_IDENTITY.value,
        decided_by=by,
        reason=reason,
        effective_at=at,
        recorded_at=now,
        details={"method": method.value},
    )


def _given_up(known: Mapping[RequestId, Known], *, at: datetime) -> list[Answer]:
    return [
        ended(
            request_id,
            one,
            Event.GIVE_UP_IDENTITY,
            outcome=Outcome.NOT_VERIFIED,
            closed_at=at,
            at=at,
        )
        for request_id, one in known.items()
        if one.state in PREMATURE
    ]


def _record(topic: str, message: Message, one: RequestView, name: str, at: datetime) -> Outgoing:
    return encode(
        message,
        topic=topic,
        key=one.cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, f"{one.request_id}/{name}")),
        source=SOURCE,
        at=at,
    )
