"""Keeping house: parked answers are joined or expire, and the change feed stays short."""

from __future__ import annotations

from collections import defaultdict

from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId
from dsr_verifier.application.amending import Amender
from dsr_verifier.application.limits import Limits
from dsr_verifier.application.recording import Recorder
from dsr_verifier.application.tally import Tally
from dsr_verifier.ports import Batch, Clock, Ledger, Refusal

__all__ = ["Keeper"]

_STEP = 1000
"""How much one transaction takes on, so that none is long."""


class Keeper:
    """The ledger's periodic work; safe to run in every replica at once."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: Recorder,
        amender: Amender,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._amender = amender
        self._limits = limits
        self._clock = clock

    async def run_once(self) -> Tally:
        """Amend and join what waits, dead-letter what has waited too long, prune the change feed."""
        tally = Tally()
        while request_ids := await self._ledger.amendable(_STEP):
            tally.add(await self._amender.apply_waiting(request_ids))
        while request_ids := await self._ledger.joinable(_STEP):
            tally.add(await self._recorder.join(request_ids))
        while letters := await self._expire():
            tally.buried.extend(letters)
        while await self._ledger.prune_changes(self._clock() - self._limits.changes_for, _STEP):
            pass
        return tally

    async def parked(self) -> int:
        """Return how many answers wait for their obligations."""
        return await self._ledger.parked_count()

    async def _expire(self) -> list[Refusal]:
        at = self._clock()
        async with self._ledger.transaction() as transaction:
            expired = await transaction.expire(at - self._limits.parked_for, _STEP)
            batches: dict[str, Batch] = {one.batch.id: one.batch for one in expired}
            requests: defaultdict[str, set[RequestId]] = defaultdict(set)
            for one in expired:
                requests[one.batch.id].add(one.answer.acknowledgement.request_id)
            refusals = [
                Refusal(batch.received, _unknown(len(requests[key])))
                for key, batch in batches.items()
            ]
            if refusals:
                await transaction.bury(refusals, at)
        return refusals


def _unknown(requests: int) -> RejectedInput:
    detail = (
        f"answers to {requests} requests that did not become known in time,"
        " or did not come to ask that system"
    )
    return RejectedInput("unknown_request", detail)
