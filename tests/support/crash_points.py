"""The crash points: each durable write of the loop, who makes it, and what holds on either side of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AMENDED",
    "APART",
    "LATER",
    "LOGGED",
    "POINTS",
    "REFUSALS",
    "SYSTEMS",
    "WRITES",
    "CrashPoint",
    "Kind",
    "point",
]

SYSTEMS = ("accounts", "newsletter", "event-registrations")
"""The example systems that crash: on PostgreSQL, on SQLite, and on plain files."""

Kind = Literal["commit", "send", "offset", "call", "replace"]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A call that makes something durable."""

    kind: Kind
    """commit: a transaction of PostgreSQL or SQLite. send: a record to Kafka. offset: a commit of a
    consumer group. call: of Temporal. replace: of a file."""

    holds: str
    """Part of the transaction's statements, of topic and type, of the call's or the file's name."""


@dataclass(frozen=True, slots=True)
class Write:
    """A durable write, and what holds where a process dies just before it or just after."""

    name: str
    step: int
    victims: tuple[str, ...]
    boundaries: tuple[Boundary, ...]
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """A moment at which a process is killed."""

    name: str
    step: int
    """Its number in the table of the loop's steps."""

    victims: tuple[str, ...]
    """Who is killed there: a service, or some example systems, all at the same request."""

    what_holds: str
    """What is durable then, and who makes up for the rest."""


_INTAKE, _FANOUT, _VERIFIER = ("intake",), ("fanout",), ("verifier",)

_LOOP = (
    Write(
        "accept",
        1,
        _INTAKE,
        (Boundary("commit", "insert into intake.subject_requests"),),
        before="nothing; the client saw no answer, and its next try is the first",
        after="the request; the client saw no answer, and its next try is given the same id",
    ),
    Write(
        "publish",
        2,
        _INTAKE,
        (Boundary("send", "dsr.requests.v1"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; published again, it starts nothing again",
    ),
    Write(
        "publish.forget",
        2,
        _INTAKE,
        (Boundary("commit", "delete from intake.outbox"),),
        before="the record and the row; published again, it starts nothing again",
        after="the record alone",
    ),
    Write(
        "start",
        3,
        _FANOUT,
        (Boundary("call", "start_workflow"),),
        before="the record, not committed; it is read again",
        after="the workflow; the record is read again and starts nothing again",
    ),
    Write(
        "start.offset",
        3,
        _FANOUT,
        (Boundary("offset", "dsr.requests.v1"),),
        before="the workflow; the record is read again and starts nothing again",
        after="the workflow and the offset; Temporal gives its work to the next process",
    ),
    Write(
        "open",
        4,
        _FANOUT,
        (Boundary("send", "dsr.obligations.v1"),),
        before="the workflow; the step is tried again",
        after="the obligations; opened again under the same event id",
    ),
    Write(
        "open.recorded",
        4,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.requests"),),
        before="the record, not committed; it is read again, after answers perhaps",
        after="the ledger's rows; the same rows again change nothing",
    ),
    Write(
        "notify",
        5,
        _FANOUT,
        (Boundary("send", "dsr.deletion."),),
        before="the obligations; the step is tried again",
        after="at least one notice; all are sent again under the same ids",
    ),
    Write(
        "acknowledge.begin",
        6,
        SYSTEMS,
        (Boundary("commit", "insert into outcomes"),),
        before="the notice, not committed; the handler is asked as if for the first time",
        after="the mark that the handler is asked; it is asked, and told that this may be a repeat",
    ),
    Write(
        "acknowledge.effect",
        6,
        SYSTEMS,
        (
            Boundary("commit", "insert into erasures"),
            Boundary("replace", "registrations.jsonl"),
        ),
        before="the mark that the handler was asked; it is asked again",
        after="the effect, in files a part of it; the handler is asked again and told so",
    ),
    Write(
        "acknowledge.outcome",
        6,
        SYSTEMS,
        (Boundary("commit", "insert or replace into outcomes"),),
        before="the effect; the handler is asked again and told so",
        after="effect and outcome; the outcome is sent, and the handler not asked again",
    ),
    Write(
        "acknowledge.answer",
        6,
        SYSTEMS,
        (Boundary("send", "dsr.acknowledgements.v1"),),
        before="effect and outcome; the outcome is sent, and the handler not asked again",
        after="the answer; it is sent again with the same sequence number",
    ),
    Write(
        "acknowledge.offset",
        6,
        SYSTEMS,
        (Boundary("offset", "dsr.deletion."),),
        before="the answer; it is sent again with the same sequence number",
        after="everything of this step",
    ),
    Write(
        "record",
        7,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.acknowledgements"),),
        before="the answers' records, not committed; they are read again",
        after="the first answers; the same rows again change nothing",
    ),
    Write(
        "record.closure",
        7,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.closures"),),
        before="all but the last answers; read again, they close",
        after="the closure and its outbox row; the next process publishes it",
    ),
    Write(
        "record.offset",
        7,
        _VERIFIER,
        (Boundary("offset", "dsr.acknowledgements.v1"),),
        before="the answers; read again, they change nothing",
        after="everything of this step",
    ),
    Write(
        "close.publish",
        8,
        _VERIFIER,
        (Boundary("send", "dsr.closures.v1"),),
        before="the closure's outbox row; the next process publishes it",
        after="the closure's record and the row; published again, it changes nothing",
    ),
    Write(
        "close.forget",
        8,
        _VERIFIER,
        (Boundary("commit", "delete from verifier.outbox"),),
        before="the closure's record and the row; published again, it changes nothing",
        after="the closure's record alone",
    ),
    Write(
        "close.answer",
        8,
        _INTAKE,
        (Boundary("commit", "update intake.subject_requests"),),
        before="the closure's record, not committed; it is read again",
        after="the request is answered and its key gone; the record again changes nothing",
    ),
    Write(
        "close.offset",
        8,
        _INTAKE,
        (Boundary("offset", "dsr.closures.v1"),),
        before="the answer; the record again changes nothing",
        after="the answer and the offset; the outbox is published later",
    ),
    Write(
        "close.told",
        8,
        _INTAKE,
        (Boundary("send", "dsr.lifecycle.v1 dsr.v1.CohortAnswered"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; the hint comes twice",
    ),
    Write(
        "close.hint",
        8,
        _FANOUT,
        (Boundary("call", "signal"),),
        before="the record, not committed; it is read again",
        after="the hint, in Temporal; given again, it finds the workflow ended or ending",
    ),
    Write(
        "close.hint-offset",
        8,
        _FANOUT,
        (Boundary("offset", "dsr.lifecycle.v1"),),
        before="the hint; given again, it finds the workflow ended or ending",
        after="everything",
    ),
)

_REFUSING = (
    Write(
        "refuse.request",
        3,
        _FANOUT,
        (Boundary("send", "dsr.requests.v1.dead-letter"),),
        before="the bad record, not committed; it is refused again",
        after="the dead letter; the record is refused again, with the same letter",
    ),
    Write(
        "refuse.notice",
        6,
        SYSTEMS,
        (Boundary("send", ".v1.dead-letter"),),
        before="the bad record, not committed; it is refused again",
        after="the dead letter; the record is refused again, with the same letter",
    ),
    Write(
        "refuse.answer",
        7,
        _VERIFIER,
        (Boundary("send", "dsr.acknowledgements.v1.dead-letter"),),
        before="the bad record, not committed; it is refused again",
        after="the dead letter; the record is refused again, with the same letter",
    ),
    Write(
        "refuse.closure",
        8,
        _INTAKE,
        (Boundary("send", "dsr.closures.v1.dead-letter"),),
        before="the bad record, not committed; it is refused again",
        after="the dead letter; the record is refused again, with the same letter",
    ),
)

_APART = (
    Write(
        "decide",
        3,
        _FANOUT,
        (Boundary("call", "start_workflow"),),
        before="the command, not committed; it is read again",
        after="the decision, in its workflow; signalled again, it changes nothing",
    ),
    Write(
        "amend",
        4,
        _FANOUT,
        (Boundary("send", "dsr.obligations.v1 dsr.v1.ObligationsAmended"),),
        before="the decision, in its workflow; the step is tried again",
        after="at least one amendment, and no notice; all are sent again under the same ids",
    ),
)

_AMENDED = (
    Write(
        "amend.recorded",
        7,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.amendments"),),
        before="the amendment's record, not committed; it is read again",
        after="the amendment and all that follows from it; read again, it changes nothing",
    ),
    Write(
        "amend.recorded-offset",
        7,
        _VERIFIER,
        (Boundary("offset", "dsr.obligations.v1"),),
        before="the amendment and all that follows from it; read again, it changes nothing",
        after="everything of this step",
    ),
)

_LOGGED = (
    Write(
        "log.note",
        8,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.log_pending (kind, digest, at)"),),
        before="the audit entry's record, not committed; it is read again",
        after="the entry waits for the log; read again, it changes nothing",
    ),
    Write(
        "log.append",
        8,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.log_leaves"),),
        before="what waits; the next sequencer appends it",
        after="the leaves, their tiles, the checkpoint and its outbox row",
    ),
    Write(
        "log.publish",
        8,
        _VERIFIER,
        (Boundary("send", "dsr.checkpoints.v1"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; published again, it says the same",
    ),
)

_LATER = (
    Write(
        "defer",
        8,
        _INTAKE,
        (Boundary("commit", "insert into intake.deferred_notices"),),
        before="the closure's record, not committed; it is read again, and chance is asked anew",
        after="the answer, with its deferred notices, and the key gone; the record changes nothing",
    ),
    Write(
        "follow",
        8,
        _INTAKE,
        (Boundary("commit", "update intake.deferred_notices set opened_at"),),
        before="the deferred notice; it is still due",
        after="the request that follows and its outbox row; the notice opens no other",
    ),
)

WRITES = (*_LOOP, *_REFUSING, *_APART, *_AMENDED, *_LOGGED, *_LATER)
"""Every durable write that a process can be killed at."""


def _points(writes: tuple[Write, ...]) -> tuple[CrashPoint, ...]:
    return tuple(
        CrashPoint(f"{one.name}.{moment}", one.step, one.victims, holds)
        for one in writes
        for moment, holds in (("before", one.before), ("after", one.after))
    )


POINTS = _points(_LOOP)
"""Every crash point of a request's way, in the order of the loop."""

REFUSALS = _points(_REFUSING)
"""Those of a record that can never succeed; nothing of a request's way comes to them."""

APART = _points(_APART)
"""Those of a request that a person's decision sets apart."""

AMENDED = _points(_AMENDED)
"""Those of the ledger, when such a decision changes what is owed."""


LOGGED = _points(_LOGGED)
"""Those of the transparency log."""

LATER = _points(_LATER)
"""Those of what is asked again long after the closing."""


def point(name: str) -> CrashPoint:
    """Return the crash point of a name."""
    return next(one for one in (*POINTS, *APART) if one.name == name)
