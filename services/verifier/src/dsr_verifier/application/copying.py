"""Copying: what erasures wait for goes on once intake says that its copy is settled."""

from __future__ import annotations

from collections.abc import Sequence

from dsr_contracts.v1 import copies_pb2
from dsr_core.errors import RejectedInput
from dsr_verifier.application.phasing import settled
from dsr_verifier.application.tally import Tally
from dsr_verifier.ports import Clock, Ledger, Received, Refusal
from dsr_wire.codec.copies import SettledCopy, copy_settled_from_wire
from dsr_wire.envelope import decode

__all__ = ["Copier"]


class Copier:
    """Takes in dsr.copies.v1; the same again changes nothing, and what comes early is kept."""

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def take(self, records: Sequence[Received]) -> Tally:
        """Record what these records say, and let go what waited for nothing else, in one transaction.

        Raises:
            Unavailable: Take the same records again.
        """
        tally, said = Tally(), list[SettledCopy]()
        for received in records:
            try:
                message = decode(received.value, received.headers, copies_pb2.CopySettled)
                said.append(copy_settled_from_wire(message))
            except RejectedInput as fault:
                tally.refusals.append(Refusal(received, fault))
        if said:
            tally.phases = await settled(self._ledger, said, self._clock())
        return tally
