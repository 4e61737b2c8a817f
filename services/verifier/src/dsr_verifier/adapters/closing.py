"""Closures as messages: those of one cohort together, bounded."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import MappingProxyType

from dsr_core import tracing
from dsr_core.ids import CohortId, RequestId
from dsr_verifier.adapters.dead_letters import SERVICE
from dsr_wire.codec.closures import Closure, closures_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import CLOSURES

__all__ = ["closure_records"]

_PER_MESSAGE = 250


def closure_records(
    closures: Sequence[Closure],
    at: datetime,
    spans: Mapping[RequestId, str] = MappingProxyType({}),
) -> list[Outgoing]:
    """Return the messages that tell of closures.

    A request closes once, so the ids of the requests make an event id that is the same whenever the
    same closures are told of. They go on in the trace in which their requests were opened; of a cohort of
    several these are one.
    """
    by_cohort: defaultdict[CohortId, list[Closure]] = defaultdict(list)
    for closure in closures:
        by_cohort[closure.cohort_id].append(closure)
    return [
        _record(cohort_id, part, at, spans)
        for cohort_id, members in by_cohort.items()
        for part in _parts(sorted(members, key=lambda one: one.request_id))
    ]


def _record(
    cohort_id: CohortId, part: Sequence[Closure], at: datetime, spans: Mapping[RequestId, str]
) -> Outgoing:
    opened_in = next((spans[one.request_id] for one in part if one.request_id in spans), None)
    with tracing.span("close", parent=opened_in, cohort_id=cohort_id, count=len(part)):
        return encode(
            closures_to_wire(cohort_id, part),
            topic=CLOSURES.name,
            key=cohort_id,
            event_id=_event_id(part),
            source=SERVICE,
            at=at,
        )


def _parts(closures: Sequence[Closure]) -> Iterator[list[Closure]]:
    members = iter(closures)
    while part := list(islice(members, _PER_MESSAGE)):
        yield part


def _event_id(closures: Sequence[Closure]) -> str:
    ids = ",".join(one.request_id for one in closures)
    return f"closures-{hashlib.sha256(ids.encode()).hexdigest()[:32]}"
