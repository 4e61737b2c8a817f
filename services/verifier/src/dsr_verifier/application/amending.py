"""Amending: what is owed for a request changes, and what follows from it is in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dsr_core.acknowledgements import Acknowledgement, Standing
from dsr_core.ids import RequestId, SystemId
from dsr_verifier.application.phasing import advanced
from dsr_verifier.application.settling import UNANSWERED, close, move
from dsr_verifier.application.tally import Tally
from dsr_verifier.application.terms import amended, breaches, held
from dsr_verifier.model import Effect, KeptAmendment, Key, key_of
from dsr_verifier.ports import Clock, Ledger, LedgerRequest, Pair, Transaction
from dsr_wire.codec.amendments import Amendment
from dsr_wire.codec.decisions import ObligationSettled
from dsr_wire.terms import KINDS

__all__ = ["Amender"]

_Requests = Mapping[RequestId, LedgerRequest]
_Standings = Mapping[RequestId, Mapping[SystemId, Standing]]


class Amender:
    """Takes in ObligationsAmended. The same ones again change nothing, in whatever order they come."""

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def take(self, amendments: Sequence[KeptAmendment]) -> tuple[Tally, list[int]]:
        """Keep amendments, and apply those whose obligations are known.

        Returns:
            The tally, and the places of those whose revision and kind another content has taken.
        """
        asked = {one.amendment.request_id for one in amendments}
        at = self._clock()
        async with self._ledger.transaction() as transaction:
            requests = await transaction.lock(asked)
            conflicting = await transaction.keep(amendments, at)
            tally = await self.apply(transaction, requests, at)
        early = [one.amendment for one in amendments if one.amendment.request_id not in requests]
        tally.waiting = [KINDS[type(one.change)] for one in early]
        return tally, conflicting

    async def apply_waiting(self, request_ids: Collection[RequestId]) -> Tally:
        """Apply the amendments that wait for requests which have become known."""
        async with self._ledger.transaction() as transaction:
            requests = await transaction.lock(request_ids)
            return await self.apply(transaction, requests, self._clock())

    async def apply(self, transaction: Transaction, requests: _Requests, at: datetime) -> Tally:
        """Apply every amendment that waits for these requests, and close what nothing holds open.

        Args:
            transaction: The one that has locked the requests.
            requests: The requests.
            at: When.
        """
        tally = Tally()
        waiting = await transaction.waiting(requests.keys())
        changed = _applied(requests, waiting, tally.amended)
        if not changed:
            if tally.amended:
                await transaction.amend((), tally.amended, at)
            return tally
        before = await transaction.standings_of(changed)
        answers = await self._answers(transaction, changed, before)
        recounted = {key: _recounted(one, before[key]) for key, one in changed.items()}
        with_held = [(one, held(one)) for one in recounted.values()]
        await transaction.amend(with_held, tally.amended, at)
        settlement = move(recounted, _by_pair(before), answers)
        settlement.amended = list(recounted)
        counts = {key: one.open_count for key, one in recounted.items()} | settlement.open_counts
        settlement.open_counts = counts
        closed = [key for key, left in counts.items() if left == 0]
        close(settlement, recounted, {key: before[key] for key in closed}, at)
        await transaction.settle(settlement, at)
        tally.settle(settlement)
        found = [one for request in recounted.values() for one in breaches(request, answers)]
        tally.breaches = await transaction.breach(found, at, instead_of=list(recounted))
        tally.phases = await advanced(transaction, recounted.values(), settlement.closures, at)
        return tally

    async def _answers(
        self, transaction: Transaction, requests: _Requests, before: _Standings
    ) -> dict[Pair, Collection[Acknowledgement]]:
        pairs = {
            (request_id, system_id) for request_id, known in before.items() for system_id in known
        }
        given: dict[Pair, Collection[Acknowledgement]] = {
            (request_id, one.change.system_id): ()
            for request_id, request in requests.items()
            for one in request.amendments
            if isinstance(one.change, ObligationSettled) and request.has_asked(one.change.system_id)
        }
        if pairs:
            given |= await transaction.answers(pairs)
        return given


def _applied(
    requests: _Requests, waiting: Sequence[Amendment], effects: dict[Key, Effect]
) -> dict[RequestId, LedgerRequest]:
    """Return the requests that amendments change, and note what becomes of each amendment."""
    changed: dict[RequestId, LedgerRequest] = {}
    for one in waiting:
        request = changed.get(one.request_id, requests[one.request_id])
        if request.closed_at is not None:
            effects[key_of(one)] = Effect.AFTER_CLOSURE
        elif (after := amended(request, one)) is None:
            effects[key_of(one)] = Effect.UNFIT
        else:
            effects[key_of(one)] = Effect.APPLIED
            changed[one.request_id] = after
    return changed


def _recounted(request: LedgerRequest, before: Mapping[SystemId, Standing]) -> LedgerRequest:
    """Return a request with the obligations counted anew, since its plan may be another one."""
    left = sum(not before.get(one, UNANSWERED).is_confirmed for one in request.systems)
    return replace(request, open_count=left)


def _by_pair(before: _Standings) -> dict[Pair, Standing]:
    return {
        (request_id, system_id): standing
        for request_id, known in before.items()
        for system_id, standing in known.items()
    }
