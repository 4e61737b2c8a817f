"""Closures as messages: those of one cohort together, bounded."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from dsr_core.ids import CohortId
from dsr_verifier.adapters.dead_letters import SERVICE
from dsr_wire.codec.closures import Closure, closures_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import CLOSURES

__all__ = ["closure_records"]

_PER_MESSAGE = 250


def closure_records(closures: Sequence[Closure], at: datetime) -> list[Outgoing]:
    """Return the messages that tell of closures.

    A request closes once, so the ids of the requests make an event id that is the same whenever the
    same closures are told of.
    """
    by_cohort: defaultdict[CohortId, list[Closure]] = defaultdict(list)
    for closure in closures:
        by_cohort[closure.cohort_id].append(closure)
    return [
        encode(
            closures_to_wire(cohort_id, part),
            topic=CLOSURES.name,
            key=cohort_id,
            event_id=_event_id(part),
            source=SERVICE,
            at=at,
        )
        for cohort_id, members in by_cohort.items()
        for part in _parts(sorted(members, key=lambda one: one.request_id))
    ]


def _parts(closures: Sequence[Closure]) -> Iterator[list[Closure]]:
    members = iter(closures)
    while part := list(islice(members, _PER_MESSAGE)):
        yield part


def _event_id(closures: Sequence[Closure]) -> str:
    ids = ",".join(one.request_id for one in closures)
    return f"closures-{hashlib.sha256(ids.encode()).hexdigest()[:32]}"
