"""Opening: what is owed becomes known, and answers that came before it are joined to it."""

from __future__ import annotations

from collections.abc import Sequence

from dsr_contracts.v1 import obligations_pb2
from dsr_core.errors import RejectedInput
from dsr_verifier.application.gate import Gate
from dsr_verifier.application.limits import Limits
from dsr_verifier.application.reading import NotYetKnown
from dsr_verifier.application.recording import Recorder
from dsr_verifier.application.tally import Tally
from dsr_verifier.ports import Clock, Ledger, Received, Refusal, RegistryView
from dsr_wire.codec.obligations import OpenedObligations, obligations_opened_from_wire
from dsr_wire.envelope import decode

__all__ = ["Opener"]


class Opener:
    """Takes in ObligationsOpened. The same message again changes nothing."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        registry: RegistryView,
        recorder: Recorder,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._recorder = recorder
        self._clock = clock
        self._gate = Gate(registry, wait_s=limits.registry_wait_s)

    async def take(self, records: Sequence[Received]) -> Tally:
        """Record what these records say; when this returns, it is durable.

        Those that pin a registry version which has not arrived are recorded after the others.

        Raises:
            Unavailable: Take the same records again.
        """
        tally = Tally()
        ready: list[tuple[Received, OpenedObligations]] = []
        waiting: list[Received] = []
        missing: list[NotYetKnown] = []
        for received in records:
            try:
                ready.append((received, self._read(received)))
            except NotYetKnown as fault:
                waiting.append(received)
                missing.append(fault)
            except RejectedInput as fault:
                tally.refusals.append(Refusal(received, fault))
        await self._open(ready, tally)
        if waiting:
            await self._gate.wait(missing)
            arrived: list[tuple[Received, OpenedObligations]] = []
            for received in waiting:
                try:
                    arrived.append((received, self._read(received)))
                except RejectedInput as fault:
                    tally.refusals.append(Refusal(received, fault))
            await self._open(arrived, tally)
        return tally

    def _read(self, received: Received) -> OpenedObligations:
        message = decode(received.value, received.headers, obligations_pb2.ObligationsOpened)
        opened = obligations_opened_from_wire(message)
        registry = self._registry.version(opened.registry_digest)
        if registry is None:
            detail = "the registry version that the plan pins has not been published"
            digest = opened.registry_digest
            raise NotYetKnown(
                "unknown_registry_digest",
                detail,
                awaited=digest,
                arrived=lambda: self._registry.version(digest) is not None,
            )
        owners = {system.id: system.organisation_id for system in registry.systems}
        for system_id, organisation_id in opened.systems:
            if owners.get(system_id) != organisation_id:
                detail = f"{system_id} of {organisation_id} is not in the pinned registry version"
                raise RejectedInput("not_in_registry", detail, field="systems")
        return opened

    async def _open(
        self, ready: Sequence[tuple[Received, OpenedObligations]], tally: Tally
    ) -> None:
        if not ready:
            return
        async with self._ledger.transaction() as transaction:
            new, differing = await transaction.open([opened for _, opened in ready], self._clock())
        tally.opened += len(new)
        asked = {request_id for _, opened in ready for request_id in opened.request_ids}
        tally.reopened += len(asked) - len(new)
        for place in differing:
            fault = RejectedInput(
                "conflicting_obligations",
                "at least one request was opened before with another plan, cohort or right",
                field="request_ids",
            )
            tally.refusals.append(Refusal(ready[place][0], fault))
        # After the commit, so that answers parked meanwhile are seen; see Recorder.
        tally.add(await self._recorder.join(asked))
