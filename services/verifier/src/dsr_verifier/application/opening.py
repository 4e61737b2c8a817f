"""Opening: what is owed becomes known, and what came before it is joined to it: amendments, answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsr_contracts.v1 import obligations_pb2
from dsr_core import tracing
from dsr_core.errors import RejectedInput
from dsr_core.ids import OrganisationId, SystemId
from dsr_verifier.application.amending import Amender
from dsr_verifier.application.gate import Gate
from dsr_verifier.application.limits import Limits
from dsr_verifier.application.phasing import waited_for_already
from dsr_verifier.application.reading import NotYetKnown
from dsr_verifier.application.recording import Recorder
from dsr_verifier.application.tally import Tally
from dsr_verifier.model import KeptAmendment
from dsr_verifier.ports import Clock, Ledger, Received, Refusal, RegistryView
from dsr_wire.codec.amendments import PlanChanged, amendment_from_wire
from dsr_wire.codec.obligations import (
    OpenedObligations,
    ToldPhase,
    obligations_opened_from_wire,
    phase_told_from_wire,
)
from dsr_wire.envelope import decode_one_of

__all__ = ["Opener"]

_KINDS = (
    obligations_pb2.ObligationsOpened,
    obligations_pb2.ObligationsAmended,
    obligations_pb2.PhaseTold,
)


@dataclass(frozen=True, slots=True)
class _Read:
    """A record of dsr.obligations.v1, read."""

    received: Received
    said: OpenedObligations | KeptAmendment | ToldPhase


class Opener:
    """Takes in ObligationsOpened, ObligationsAmended and PhaseTold; the same again changes nothing."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        registry: RegistryView,
        recorder: Recorder,
        amender: Amender,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._recorder = recorder
        self._amender = amender
        self._clock = clock
        self._gate = Gate(registry, wait_s=limits.registry_wait_s)

    async def take(self, records: Sequence[Received]) -> Tally:
        """Record what these records say; when this returns, it is durable.

        Those that pin a registry version which has not arrived are recorded after the others.

        Raises:
            Unavailable: Take the same records again.
        """
        tally = Tally()
        ready: list[_Read] = []
        waiting: list[Received] = []
        missing: list[NotYetKnown] = []
        for received in records:
            try:
                ready.append(self._read(received))
            except NotYetKnown as fault:
                waiting.append(received)
                missing.append(fault)
            except RejectedInput as fault:
                tally.refusals.append(Refusal(received, fault))
        await self._record(ready, tally)
        if waiting:
            await self._gate.wait(missing)
            arrived: list[_Read] = []
            for received in waiting:
                try:
                    arrived.append(self._read(received))
                except RejectedInput as fault:
                    tally.refusals.append(Refusal(received, fault))
            await self._record(arrived, tally)
        return tally

    def _read(self, received: Received) -> _Read:
        message = decode_one_of(received.value, received.headers, _KINDS)
        if isinstance(message, obligations_pb2.ObligationsAmended):
            amendment = amendment_from_wire(message)
            if isinstance(amendment.change, PlanChanged):
                change = amendment.change
                heirs = [(one.successor, one.organisation_id) for one in change.successions]
                self._check(change.registry_digest, (*change.added, *heirs))
            return _Read(received, KeptAmendment(amendment, received.value or b""))
        if isinstance(message, obligations_pb2.PhaseTold):
            return _Read(received, phase_told_from_wire(message))
        if not isinstance(message, obligations_pb2.ObligationsOpened):
            raise TypeError(type(message).__name__)
        opened = obligations_opened_from_wire(message)
        self._check(opened.registry_digest, opened.systems)
        return _Read(received, opened)

    def _check(self, digest: str, systems: Sequence[tuple[SystemId, OrganisationId]]) -> None:
        registry = self._registry.version(digest)
        if registry is None:
            raise NotYetKnown(
                "unknown_registry_digest",
                "the registry version that the plan pins has not been published",
                awaited=digest,
                arrived=lambda: self._registry.version(digest) is not None,
            )
        owners = {system.id: system.organisation_id for system in registry.systems}
        for system_id, organisation_id in systems:
            if owners.get(system_id) != organisation_id:
                detail = f"{system_id} of {organisation_id} is not in the pinned registry version"
                raise RejectedInput("not_in_registry", detail, field="systems")

    async def _record(self, ready: Sequence[_Read], tally: Tally) -> None:
        opened = [
            (one.received, one.said) for one in ready if isinstance(one.said, OpenedObligations)
        ]
        amended = [(one.received, one.said) for one in ready if isinstance(one.said, KeptAmendment)]
        if opened:
            await self._open(opened, tally)
        if amended:
            await self._amend(amended, tally)
        told = [one.said for one in ready if isinstance(one.said, ToldPhase)]
        if told:
            async with self._ledger.transaction() as transaction:
                await transaction.tell(told)

    async def _open(
        self, ready: Sequence[tuple[Received, OpenedObligations]], tally: Tally
    ) -> None:
        at = self._clock()
        async with self._ledger.transaction() as transaction:
            opening = await transaction.open([opened for _, opened in ready], at)
            spans = {
                request_id: received.span
                for received, opened in ready
                if received.span is not None and tracing.is_sampled(received.span)
                for request_id in opened.request_ids
            }
            if spans:
                await transaction.trace(spans)
            if opening.amended:
                # In the same transaction, so that no answer closes a request that was stopped before.
                requests = await transaction.lock(opening.amended)
                tally.add(await self._amender.apply(transaction, requests, at))
        tally.opened += len(opening.new)
        asked = {request_id for _, opened in ready for request_id in opened.request_ids}
        tally.reopened += len(asked) - len(opening.new)
        for place in opening.differing:
            fault = RejectedInput(
                "conflicting_obligations",
                "at least one request was opened before with another plan, cohort or right",
                field="request_ids",
            )
            tally.refusals.append(Refusal(ready[place][0], fault))
        tally.phases.extend(
            await waited_for_already(self._ledger, [opened for _, opened in ready], at)
        )
        # After the commit, so that answers parked meanwhile are seen; see Recorder.
        tally.add(await self._recorder.join(asked))

    async def _amend(self, ready: Sequence[tuple[Received, KeptAmendment]], tally: Tally) -> None:
        done, conflicting = await self._amender.take([kept for _, kept in ready])
        tally.add(done)
        for place in conflicting:
            fault = RejectedInput(
                "conflicting_amendment",
                "an amendment of that revision and kind is there with another content",
                field="revision",
            )
            tally.refusals.append(Refusal(ready[place][0], fault))
        asked = {
            kept.amendment.request_id
            for _, kept in ready
            if isinstance(kept.amendment.change, PlanChanged)
        }
        # Systems that joined may have answered before it was known that they owe anything.
        tally.add(await self._recorder.join(asked))
