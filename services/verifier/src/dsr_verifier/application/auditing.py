"""Auditing: entries of intake's audit log become leaves of the transparency log."""

from __future__ import annotations

from collections.abc import Sequence

from dsr_contracts.v1 import audit_pb2
from dsr_core.errors import RejectedInput
from dsr_verifier.application.tally import Tally
from dsr_verifier.log_ports import Fact, Log
from dsr_verifier.ports import Received, Refusal
from dsr_wire.codec.audit import audit_entries_from_wire
from dsr_wire.envelope import decode
from dsr_wire.log.leaves import Kind

__all__ = ["Auditor"]


class Auditor:
    """Takes in dsr.audit.v1. An entry's digest covers its id: the same entry again changes nothing."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def take(self, records: Sequence[Received]) -> Tally:
        """Let what these records say wait for the log, in one transaction."""
        tally, facts = Tally(), list[Fact]()
        for received in records:
            try:
                message = decode(received.value, received.headers, audit_pb2.AuditEntries)
                entries = audit_entries_from_wire(message)
            except RejectedInput as fault:
                tally.refusals.append(Refusal(received, fault))
                continue
            facts.extend(Fact(Kind.AUDIT, one.digest, one.recorded_at) for one in entries)
        if facts:
            await self._log.offer(facts)
        return tally
