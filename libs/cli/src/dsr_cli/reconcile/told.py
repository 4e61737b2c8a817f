"""What Kafka has: everything that services told each other, as far back as it is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.message import Message

from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.dead_letters import dead_letters
from dsr_cli.kafka.reading import Found, records
from dsr_contracts.v1 import (
    acknowledgements_pb2,
    audit_pb2,
    checkpoints_pb2,
    closures_pb2,
    commands_pb2,
    copies_pb2,
    lifecycle_pb2,
    links_pb2,
    obligations_pb2,
    requests_pb2,
)
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, RequestId
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.codec.amendments import amendment_from_wire
from dsr_wire.codec.audit import audit_entries_from_wire
from dsr_wire.codec.checkpoints import checkpoint_from_wire
from dsr_wire.codec.closures import Closure, closures_from_wire
from dsr_wire.codec.commands import command_from_wire
from dsr_wire.codec.copies import copy_settled_from_wire
from dsr_wire.codec.links import links_found_from_wire
from dsr_wire.codec.requests import AcceptedCohort, cohort_accepted_from_wire
from dsr_wire.envelope import decode, decode_one_of, header
from dsr_wire.log.checkpoints import Checkpoint
from dsr_wire.merkle import leaf_hash
from dsr_wire.terms import KINDS
from dsr_wire.topics import (
    ACKNOWLEDGEMENTS,
    AUDIT,
    CHECKPOINTS,
    CLOSURES,
    COMMANDS,
    COPIES,
    LIFECYCLE,
    LINKS,
    OBLIGATIONS,
    REQUESTS,
    is_dead_letter,
)

__all__ = ["Answer", "Place", "State", "Told", "told"]

_MessageT = TypeVar("_MessageT", bound=Message)

Place = tuple[str, int, int]
"""A topic, a partition and an offset."""

Answer = tuple[str, str, int, bytes]
"""An acknowledgement: its request, its system, its number, and the hash of its bytes."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a request stood by what was told of it."""

    state: str
    outcome: str
    at: datetime


@dataclass(slots=True)
class Told:
    """What was told, by whom it concerns; what consumers refused is left out."""

    cohorts: dict[RequestId, AcceptedCohort] = field(default_factory=dict)
    starts: dict[CohortId, Place] = field(default_factory=dict)
    """The first record that starts each cohort's workflow."""

    commands: dict[CohortId, Place] = field(default_factory=dict)
    """The first command to each cohort; one that waits for a proof of who asks is told of it so."""

    over: set[CohortId] = field(default_factory=set)
    """The cohorts that are answered, so that their workflows end."""

    states: dict[RequestId, list[State]] = field(default_factory=lambda: defaultdict(list))
    closures: dict[RequestId, tuple[Closure, Place]] = field(default_factory=dict)
    opened: list[tuple[Place, tuple[str, ...]]] = field(default_factory=list)
    amended: list[tuple[Place, tuple[str, int, str]]] = field(default_factory=list)
    phases: list[tuple[Place, tuple[str, int]]] = field(default_factory=list)
    answers: list[tuple[Place, list[Answer]]] = field(default_factory=list)
    links: list[tuple[Place, tuple[str, str, int]]] = field(default_factory=list)
    """By request, system and number of the answer that told of them."""

    copies: list[tuple[Place, RequestId]] = field(default_factory=list)
    """Those that are settled."""

    audited: list[tuple[Place, list[bytes]]] = field(default_factory=list)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    """The largest of each log, by its origin."""

    events: set[tuple[str, str]] = field(default_factory=set)
    """The topic and the event's id of everything that is there."""


def told(
    admin: KafkaAdmin,
    *,
    topics: Iterable[str],
    since: datetime | None = None,
    progress: Callable[[int], None] = lambda _count: None,
) -> Told:
    """Read what was told.

    Args:
        admin: As whom.
        topics: Of these the ids of events are wanted as well.
        since: How far back, at most.
        progress: Told how many records were read.

    Raises:
        CommandError: Kafka does not answer, or refuses.
    """
    found = Told()
    refused = {
        (one.said("topic"), int(one.said("partition") or 0), int(one.said("offset") or 0))
        for one in dead_letters(admin)
    }
    wanted = {*_READERS, *topics}
    reading = records(admin, lambda name: name in wanted and not is_dead_letter(name), since=since)
    for count, record in enumerate(reading, start=1):
        progress(count)
        found.events.add((record.topic, header(record.headers, "ce_id") or ""))
        place = (record.topic, record.partition, record.offset)
        reader = _READERS.get(record.topic)
        if reader is None or place in refused:
            continue
        try:
            reader(found, record, place)
        except RejectedInput:
            # Its consumer refuses it too, and says why.
            continue
    return found


def _requests(found: Told, record: Found, place: Place) -> None:
    cohort = cohort_accepted_from_wire(_decoded(record, requests_pb2.CohortAccepted))
    found.starts.setdefault(cohort.cohort_id, place)
    for request_id in cohort.request_ids:
        found.cohorts[request_id] = cohort


def _commands(found: Told, record: Found, place: Place) -> None:
    command = command_from_wire(_decoded(record, commands_pb2.SubjectRequestCommand))
    found.commands.setdefault(command.cohort_id, place)
    if command.alone is not None:
        found.starts.setdefault(command.alone.cohort_id, place)


def _lifecycle(found: Told, record: Found, _place: Place) -> None:
    kinds = (lifecycle_pb2.RequestStatesChanged, lifecycle_pb2.CohortAnswered)
    message = decode_one_of(record.value, record.headers, kinds)
    if isinstance(message, lifecycle_pb2.RequestStatesChanged):
        for one in message.changes:
            at = one.changed_at.ToDatetime(tzinfo=UTC)
            found.states[RequestId(one.request_id)].append(State(one.state, one.outcome, at))
    elif isinstance(message, lifecycle_pb2.CohortAnswered):
        found.over.add(CohortId(message.cohort_id))


def _closures(found: Told, record: Found, place: Place) -> None:
    for one in closures_from_wire(_decoded(record, closures_pb2.Closures)):
        found.closures.setdefault(one.request_id, (one, place))


def _obligations(found: Told, record: Found, place: Place) -> None:
    kinds = (
        obligations_pb2.ObligationsOpened,
        obligations_pb2.ObligationsAmended,
        obligations_pb2.PhaseTold,
    )
    message = decode_one_of(record.value, record.headers, kinds)
    if isinstance(message, obligations_pb2.ObligationsOpened):
        found.opened.append((place, tuple(message.request_ids)))
    elif isinstance(message, obligations_pb2.ObligationsAmended):
        one = amendment_from_wire(message)
        key = (one.request_id, one.revision, KINDS[type(one.change)])
        found.amended.append((place, key))
    elif isinstance(message, obligations_pb2.PhaseTold):
        found.phases.append((place, (message.cohort_id, message.phase)))


def _acknowledgements(found: Told, record: Found, place: Place) -> None:
    batch = _decoded(record, acknowledgements_pb2.SignedAcknowledgements)
    answers: list[Answer] = []
    for leaf in batch.acknowledgements:
        one = acknowledgement_from_bytes(leaf)
        answers.append((one.request_id, one.system_id, one.sequence, leaf_hash(leaf)))
    found.answers.append((place, answers))


def _links(found: Told, record: Found, place: Place) -> None:
    one = links_found_from_wire(_decoded(record, links_pb2.LinksFound))
    found.links.append((place, (one.request_id, one.system_id, one.sequence)))


def _copies(found: Told, record: Found, place: Place) -> None:
    one = copy_settled_from_wire(_decoded(record, copies_pb2.CopySettled))
    found.copies.append((place, one.request_id))


def _audit(found: Told, record: Found, place: Place) -> None:
    entries = audit_entries_from_wire(_decoded(record, audit_pb2.AuditEntries))
    found.audited.append((place, [one.digest for one in entries]))


def _checkpoints(found: Told, record: Found, _place: Place) -> None:
    one, _ = checkpoint_from_wire(_decoded(record, checkpoints_pb2.CheckpointSigned))
    known = found.checkpoints.get(one.origin)
    if known is None or known.size < one.size:
        found.checkpoints[one.origin] = one


def _decoded(record: Found, kind: type[_MessageT]) -> _MessageT:
    return decode(record.value, record.headers, kind)


_READERS: dict[str, Callable[[Told, Found, Place], None]] = {
    REQUESTS.name: _requests,
    COMMANDS.name: _commands,
    LIFECYCLE.name: _lifecycle,
    CLOSURES.name: _closures,
    OBLIGATIONS.name: _obligations,
    ACKNOWLEDGEMENTS.name: _acknowledgements,
    COPIES.name: _copies,
    LINKS.name: _links,
    AUDIT.name: _audit,
    CHECKPOINTS.name: _checkpoints,
}
