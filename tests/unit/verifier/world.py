"""A small world for the verifier: a registry with keys, a ledger, and records that systems sign."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.message import Message
from unit.verifier.fakes import FakeRegistry

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_verifier.application.amending import Amender
from dsr_verifier.application.copying import Copier
from dsr_verifier.application.keeping import Keeper
from dsr_verifier.application.limits import Limits
from dsr_verifier.application.opening import Opener
from dsr_verifier.application.recording import Recorder
from dsr_verifier.application.tally import Tally
from dsr_verifier.ports import Ledger, Received
from dsr_wire.codec.amendments import Amendment, Change, amendment_to_wire
from dsr_wire.codec.copies import SettledCopy, copy_settled_to_wire
from dsr_wire.codec.obligations import obligations_opened_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.keys import SystemKeyPair
from dsr_wire.signing import sign
from dsr_wire.topics import ACKNOWLEDGEMENTS, COPIES, OBLIGATIONS
from support.builders import (
    NOW,
    a_registry,
    an_acknowledgement,
    an_amendment,
    an_id,
    opened_obligations,
)

REGISTRY = a_registry()
SYSTEMS = (SystemId("crm"), SystemId("mailer"))

_numbers = itertools.count(1)


def a_new_request_id() -> RequestId:
    """An id that no other test has."""
    return RequestId(an_id(1_000_000 + next(_numbers)))


def a_home_of(request_id: RequestId) -> CohortId:
    """The cohort of several that a request was accepted in; no other test has it."""
    return CohortId(an_id(8_000_000 + int(request_id[-6:], 16)))


@functools.cache
def keys_of(system_id: str) -> SystemKeyPair:
    """The key pair of a system."""
    return SystemKeyPair.generate(system_id)


def as_received(outgoing: Outgoing, *, offset: int = 0) -> Received:
    """A record as Kafka gives it."""
    content = (outgoing.key, outgoing.value, outgoing.headers)
    return Received(outgoing.topic, 0, offset, *content, received_at=NOW)


def a_record(topic: str, message: Message, key: str = "a key") -> Received:
    """A record that holds a message."""
    number = next(_numbers)
    return as_received(
        encode(message, topic=topic, key=key, event_id=f"e{number}", source="a test", at=NOW),
        offset=number,
    )


def obligations(*request_ids: RequestId, **changes: Any) -> Received:
    """ObligationsOpened for requests, towards `crm` and `mailer` unless told otherwise."""
    chosen: dict[str, Any] = {
        "request_ids": request_ids,
        "cohort_id": CohortId(request_ids[0]),
        "registry_digest": REGISTRY.digest,
        **changes,
    }
    opened = opened_obligations(**chosen)
    return a_record(OBLIGATIONS.name, obligations_opened_to_wire(opened), opened.cohort_id)


def amendment(request_id: RequestId, change: Change, **changes: Any) -> Amendment:
    """An amendment of a request that was accepted as a cohort of one, unless told otherwise."""
    home = CohortId(request_id)
    return an_amendment(change, request_id=request_id, **({"cohort_id": home} | changes))


def amending(one: Amendment) -> Received:
    """ObligationsAmended."""
    return a_record(OBLIGATIONS.name, amendment_to_wire(one), one.cohort_id)


def copy_settled(request_id: RequestId) -> Received:
    """CopySettled."""
    said = SettledCopy(request_id=request_id, settled_at=NOW)
    return a_record(COPIES.name, copy_settled_to_wire(said), request_id)


def batch(*answers: Acknowledgement, by: str = "crm") -> Received:
    """Answers that a system has signed."""
    return a_record(ACKNOWLEDGEMENTS.name, sign(answers, keys_of(by)), by)


def answer(
    request_id: RequestId,
    system_id: str = "crm",
    disposition: Disposition = Disposition.ERASED,
    **changes: Any,
) -> Acknowledgement:
    """An answer of a system."""
    return an_acknowledgement(
        disposition, request_id=request_id, system_id=SystemId(system_id), **changes
    )


def answers_of_all(request_id: RequestId) -> list[Received]:
    """One confirming batch of each system."""
    return [batch(answer(request_id, system_id), by=system_id) for system_id in SYSTEMS]


@dataclass
class World:
    """The application on a ledger."""

    ledger: Ledger
    registry: FakeRegistry
    limits: Limits = field(default_factory=Limits)
    now: datetime = NOW

    def __post_init__(self) -> None:
        """Build the parts."""
        self.recorder = Recorder(
            ledger=self.ledger, registry=self.registry, limits=self.limits, clock=lambda: self.now
        )
        self.amender = Amender(ledger=self.ledger, clock=lambda: self.now)
        self.copier = Copier(ledger=self.ledger, clock=lambda: self.now)
        self.opener = Opener(
            ledger=self.ledger,
            registry=self.registry,
            recorder=self.recorder,
            amender=self.amender,
            limits=self.limits,
            clock=lambda: self.now,
        )
        self.keeper = Keeper(
            ledger=self.ledger,
            recorder=self.recorder,
            amender=self.amender,
            limits=self.limits,
            clock=lambda: self.now,
        )

    async def open(self, *request_ids: RequestId, **changes: Any) -> Tally:
        """Open the obligations of requests."""
        return await self.opener.take([obligations(*request_ids, **changes)])

    async def amend(self, *amendments: Amendment) -> Tally:
        """Take in amendments, in one micro-batch."""
        return await self.opener.take([amending(one) for one in amendments])

    async def record(self, records: Sequence[Received]) -> Tally:
        """Take in records of acknowledgements."""
        return await self.recorder.take(records)

    async def one_by_one(self, records: Iterable[Received]) -> Tally:
        """Take in records, each in a micro-batch of its own."""
        tally = Tally()
        for record in records:
            tally.add(await self.recorder.take([record]))
        return tally

    def pass_time(self, time: timedelta) -> None:
        """Move the clock."""
        self.now += time


def a_registry_view() -> FakeRegistry:
    """The registry, with the keys of all its systems."""
    return FakeRegistry(
        {REGISTRY.digest: REGISTRY},
        {one.id: keys_of(one.id).public for one in REGISTRY.systems},
    )


def reasons(tally: Tally) -> list[str]:
    """Why records were refused."""
    return [one.fault.reason for one in (*tally.refusals, *tally.buried)]
