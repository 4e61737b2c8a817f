"""Recording: signed answers become rows, standings and closures, one transaction a micro-batch."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId
from dsr_verifier.application.gate import Gate
from dsr_verifier.application.limits import Limits
from dsr_verifier.application.phasing import advanced
from dsr_verifier.application.reading import NotYetKnown, SignedBatch, check_revocation, read_batch
from dsr_verifier.application.refusing import Faults, refusals_of
from dsr_verifier.application.settling import close, contradicted, grouped, move
from dsr_verifier.application.tally import Tally
from dsr_verifier.application.terms import breaches
from dsr_verifier.ports import (
    Answer,
    Batch,
    Clock,
    Ledger,
    LedgerRequest,
    Pair,
    ParkedAnswer,
    Received,
    Refusal,
    RegistryView,
    Transaction,
)

__all__ = ["Recorder"]


class Recorder:
    """Takes in acknowledgements. The same ones again change nothing, so every step can be repeated."""

    def __init__(
        self, *, ledger: Ledger, registry: RegistryView, limits: Limits, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._limits = limits
        self._clock = clock
        self._gate = Gate(registry, wait_s=limits.registry_wait_s)

    async def take(self, records: Sequence[Received]) -> Tally:
        """Record what these records say; when this returns, it is durable.

        Records of a system whose keys have not arrived are recorded after the others, so that these do not
        wait. The refused ones are in the tally; to dead-letter them is the caller's duty.

        Raises:
            Unavailable: Take the same records again.
        """
        tally = Tally()
        ready: list[SignedBatch] = []
        waiting: list[Received] = []
        missing: list[NotYetKnown] = []
        for received in records:
            try:
                ready.append(await self._read(received))
            except NotYetKnown as fault:
                waiting.append(received)
                missing.append(fault)
            except RejectedInput as fault:
                tally.refusals.append(Refusal(received, fault))
        tally.add(await self._record_batches(ready))
        if waiting:
            await self._gate.wait(missing)
            arrived: list[SignedBatch] = []
            for received in waiting:
                try:
                    arrived.append(await self._read(received))
                except RejectedInput as fault:
                    tally.refusals.append(Refusal(received, fault))
            tally.add(await self._record_batches(arrived))
        return tally

    async def join(self, request_ids: Iterable[RequestId]) -> Tally:
        """Record the parked answers to requests that have become known.

        Those that are refused now are dead letters once this returns.
        """
        wanted = sorted(set(request_ids))
        if not wanted:
            return Tally()
        async with self._ledger.transaction() as transaction:
            requests = await transaction.lock(wanted)
            parked = await transaction.unpark(list(requests))
            if not parked:
                return Tally()
            batches = {one.batch.id: one.batch for one in parked}
            faults: Faults = defaultdict(list)
            believed = self._still_believed(batches, [one.answer for one in parked], faults)
            tally = await self._record(transaction, requests, batches, believed, faults)
            tally.buried = refusals_of(batches, faults)
            if tally.buried:
                await transaction.bury(tally.buried, self._clock())
        return tally

    def _still_believed(
        self, batches: Mapping[str, Batch], answers: Sequence[Answer], faults: Faults
    ) -> list[Answer]:
        revoked: dict[str, RejectedInput] = {}
        for batch_id, batch in batches.items():
            try:
                check_revocation(batch, self._registry)
            except RejectedInput as fault:
                revoked[batch_id] = fault
        for one in answers:
            if one.batch_id in revoked:
                faults[one.batch_id].append((one.place, revoked[one.batch_id]))
        return [one for one in answers if one.batch_id not in revoked]

    async def _read(self, received: Received) -> SignedBatch:
        batch = read_batch(received, self._registry, limit=self._limits.answers_per_batch)
        await asyncio.sleep(0)  # a large batch takes a while; others want the loop as well
        return batch

    async def _record_batches(self, signed: Sequence[SignedBatch]) -> Tally:
        if not signed:
            return Tally()
        batches = {one.batch.id: one.batch for one in signed}
        faults: Faults = defaultdict(list)
        for one in signed:
            faults[one.batch.id].extend((fault.index, fault.fault) for fault in one.faults)
        answers = list({one.leaf_hash: one for batch in signed for one in batch.answers}.values())
        unknown: set[RequestId] = set()
        tally = Tally()
        if answers:
            async with self._ledger.transaction() as transaction:
                asked = {one.acknowledgement.request_id for one in answers}
                requests = await transaction.lock(asked)
                unknown = asked - requests.keys()
                tally = await self._record(transaction, requests, batches, answers, faults)
        tally.refusals.extend(refusals_of(batches, faults))
        if unknown:
            # Obligations that were committed while this transaction ran did not see what it parked,
            # nor it them. Whichever looks again after its own commit finds the other.
            tally.add(await self.join(unknown))
        return tally

    async def _record(
        self,
        transaction: Transaction,
        requests: Mapping[RequestId, LedgerRequest],
        batches: Mapping[str, Batch],
        answers: Iterable[Answer],
        faults: Faults,
    ) -> Tally:
        at = self._clock()
        tally = Tally()
        accepted: list[Answer] = []
        unknown: list[Answer] = []
        for answer in answers:
            request = requests.get(answer.acknowledgement.request_id)
            if request is None or self._may_join(answer, request):
                unknown.append(answer)
            elif (fault := _fault(answer, request)) is not None:
                faults[answer.batch_id].append((answer.place, fault))
            else:
                accepted.append(answer)
        if unknown:
            tally.parked = await self._park(transaction, batches, unknown, faults, at)
            tally.parked_full = len(unknown) - tally.parked
        if accepted:
            used = {one.batch_id for one in accepted}
            evidence = [batch for key, batch in batches.items() if key in used]
            known = await transaction.append(evidence, accepted, at)
            tally.repeated = len(known)
            fresh = [one for one in accepted if one.leaf_hash not in known]
            tally.given.update(
                (one.acknowledgement.system_id, one.acknowledgement.disposition) for one in fresh
            )
            await self._settle(transaction, requests, fresh, tally, at)
        return tally

    def _may_join(self, answer: Answer, request: LedgerRequest) -> bool:
        """Tell whether a system that is not asked may be by a change of plan that is on its way.

        Only another version of the registry can bring that about, and one that says something else
        of the system than the version of the plan does.
        """
        system_id = answer.acknowledgement.system_id
        if request.has_asked(system_id):
            return False
        newest = self._registry.newest(system_id)
        if newest is None or request.right not in newest.rights:
            return False
        planned = self._registry.version(request.registry_digest)
        return planned is None or planned.system(system_id) != newest

    async def _settle(
        self,
        transaction: Transaction,
        requests: Mapping[RequestId, LedgerRequest],
        fresh: Sequence[Answer],
        tally: Tally,
        at: datetime,
    ) -> None:
        effective = [
            one for one in fresh if requests[one.acknowledgement.request_id].closed_at is None
        ]
        tally.recorded = len(effective)
        linking = [one for one in effective if one.acknowledgement.sealed_links]
        if linking:
            await transaction.tell_links(linking, at)
            tally.links = len(linking)
        if len(effective) < len(fresh):
            await self._note_late(transaction, requests, fresh, tally, at)
        if not effective:
            return
        touched = grouped(effective)
        before = await transaction.standings(touched.keys())
        if before:
            touched.update(await transaction.answers(before.keys()))
        settlement = move(requests, before, touched)
        zero = [request_id for request_id, left in settlement.open_counts.items() if left == 0]
        if zero:
            close(settlement, requests, await transaction.standings_of(zero), at)
        await transaction.settle(settlement, at)
        tally.settle(settlement)
        for request_id, system_id in settlement.confirmed:
            taken = at - requests[request_id].opened_at
            tally.confirmed.append((system_id, taken.total_seconds()))
        await _breach(transaction, requests, touched, tally, at)
        ordered = [
            requests[one.request_id] for one in settlement.obligations if one.standing.is_confirmed
        ]
        tally.phases = await advanced(transaction, ordered, settlement.closures, at)

    async def _note_late(
        self,
        transaction: Transaction,
        requests: Mapping[RequestId, LedgerRequest],
        fresh: Sequence[Answer],
        tally: Tally,
        at: datetime,
    ) -> None:
        came_late = [
            one for one in fresh if requests[one.acknowledgement.request_id].closed_at is not None
        ]
        await transaction.add_late(came_late)
        late = [one.pair for one in came_late]
        answers = await transaction.answers(set(late))
        against = contradicted(requests, answers)
        await transaction.contradict(against)
        await _breach(transaction, requests, answers, tally, at)
        tally.against_closure = [pair for pair in late if against.get(pair)]
        tally.late = len(late) - len(tally.against_closure)

    async def _park(
        self,
        transaction: Transaction,
        batches: Mapping[str, Batch],
        unknown: Sequence[Answer],
        faults: Faults,
        at: datetime,
    ) -> int:
        counts = await transaction.parked_counts({one.acknowledgement.system_id for one in unknown})
        parked: list[ParkedAnswer] = []
        for answer in unknown:
            system_id = answer.acknowledgement.system_id
            taken = counts.get(system_id, 0)
            if taken >= self._limits.parked_per_system:
                detail = f"{system_id} has {taken} answers to unknown requests waiting"
                faults[answer.batch_id].append((answer.place, RejectedInput("parked_full", detail)))
                continue
            counts[system_id] = taken + 1
            parked.append(ParkedAnswer(answer, batches[answer.batch_id]))
        await transaction.park(parked, at)
        return len(parked)


def _fault(answer: Answer, request: LedgerRequest) -> RejectedInput | None:
    acknowledgement = answer.acknowledgement
    if not request.has_asked(acknowledgement.system_id):
        detail = f"{acknowledgement.system_id} owes nothing for that request"
        return RejectedInput("not_addressed", detail)
    if acknowledgement.right is not request.right:
        detail = f"the request is for {request.right}, the answer for {acknowledgement.right}"
        return RejectedInput("wrong_right", detail)
    return None


async def _breach(
    transaction: Transaction,
    requests: Mapping[RequestId, LedgerRequest],
    answers: Mapping[Pair, Collection[Acknowledgement]],
    tally: Tally,
    at: datetime,
) -> None:
    """Record what was erased under a hold; without an amended request there is nothing to ask."""
    amended = [one for one in requests.values() if one.amendments]
    found = [breach for request in amended for breach in breaches(request, answers)]
    if found:
        tally.breaches.extend(await transaction.breach(found, at))
