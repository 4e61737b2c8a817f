"""The crash points: each durable write of the loop, who makes it, and what holds on either side of it."""

from __future__ import annotations

from support.crash_writes import (
    FANOUT,
    INTAKE,
    VERIFIER,
    Boundary,
    CrashPoint,
    Write,
    points_of,
)
from support.law_writes import AMENDING, DEFERRING, LAW, SETTING_APART
from support.phase_writes import FINDING, PHASING

__all__ = [
    "AMENDED",
    "APART",
    "LATER",
    "LOGGED",
    "POINTS",
    "REFUSALS",
    "SYSTEMS",
    "WRITES",
    "point",
]

SYSTEMS = ("accounts", "newsletter", "event-registrations")
"""The example systems that crash: on PostgreSQL, on SQLite, and on plain files."""

_LOOP = (
    Write(
        "accept",
        1,
        INTAKE,
        (Boundary("commit", "insert into intake.subject_requests"),),
        before="nothing; the client saw no answer, and its next try is the first",
        after="the request; the client saw no answer, and its next try is given the same id",
    ),
    Write(
        "publish",
        2,
        INTAKE,
        (Boundary("send", "dsr.requests.v1"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; published again, it starts nothing again",
    ),
    Write(
        "publish.forget",
        2,
        INTAKE,
        (Boundary("commit", "delete from intake.outbox"),),
        before="the record and the row; published again, it starts nothing again",
        after="the record alone",
    ),
    Write(
        "start",
        3,
        FANOUT,
        (Boundary("call", "start_workflow CohortWorkflow"),),
        before="the record, not committed; it is read again",
        after="the workflow; the record is read again and starts nothing again",
    ),
    Write(
        "start.offset",
        3,
        FANOUT,
        (Boundary("offset", "dsr.requests.v1"),),
        before="the workflow; the record is read again and starts nothing again",
        after="the workflow and the offset; Temporal gives its work to the next process",
    ),
    Write(
        "open",
        4,
        FANOUT,
        (Boundary("send", "dsr.obligations.v1"),),
        before="the workflow; the step is tried again",
        after="the obligations; opened again under the same event id",
    ),
    Write(
        "open.recorded",
        4,
        VERIFIER,
        (Boundary("commit", "insert into verifier.requests"),),
        before="the record, not committed; it is read again, after answers perhaps",
        after="the ledger's rows; the same rows again change nothing",
    ),
    Write(
        "notify",
        5,
        FANOUT,
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
        VERIFIER,
        (Boundary("commit", "insert into verifier.acknowledgements"),),
        before="the answers' records, not committed; they are read again",
        after="the first answers; the same rows again change nothing",
    ),
    Write(
        "record.closure",
        7,
        VERIFIER,
        (Boundary("commit", "insert into verifier.closures"),),
        before="all but the last answers; read again, they close",
        after="the closure and its outbox row; the next process publishes it",
    ),
    Write(
        "record.offset",
        7,
        VERIFIER,
        (Boundary("offset", "dsr.acknowledgements.v1"),),
        before="the answers; read again, they change nothing",
        after="everything of this step",
    ),
    Write(
        "close.publish",
        8,
        VERIFIER,
        (Boundary("send", "dsr.closures.v1"),),
        before="the closure's outbox row; the next process publishes it",
        after="the closure's record and the row; published again, it changes nothing",
    ),
    Write(
        "close.forget",
        8,
        VERIFIER,
        (Boundary("commit", "delete from verifier.outbox"),),
        before="the closure's record and the row; published again, it changes nothing",
        after="the closure's record alone",
    ),
    Write(
        "close.answer",
        8,
        INTAKE,
        (Boundary("commit", "update intake.subject_requests"),),
        before="the closure's record, not committed; it is read again",
        after="the request is answered and its key gone; the record again changes nothing",
    ),
    Write(
        "close.offset",
        8,
        INTAKE,
        (Boundary("offset", "dsr.closures.v1"),),
        before="the answer; the record again changes nothing",
        after="the answer and the offset; the outbox is published later",
    ),
    Write(
        "close.told",
        8,
        INTAKE,
        (Boundary("send", "dsr.lifecycle.v1 dsr.v1.CohortAnswered"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; the hint comes twice",
    ),
    Write(
        "close.hint",
        8,
        FANOUT,
        (Boundary("call", "signal answered"),),
        before="the record, not committed; it is read again",
        after="the hint, in Temporal; given again, it finds the workflow ended or ending",
    ),
    Write(
        "close.hint-offset",
        8,
        FANOUT,
        (Boundary("offset", "dsr.lifecycle.v1"),),
        before="the hint; given again, it finds the workflow ended or ending",
        after="everything",
    ),
)

_REFUSING = (
    Write(
        "refuse.request",
        3,
        FANOUT,
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
        VERIFIER,
        (Boundary("send", "dsr.acknowledgements.v1.dead-letter"),),
        before="the bad record, not committed; it is refused again",
        after="the dead letter; the record is refused again, with the same letter",
    ),
    Write(
        "refuse.closure",
        8,
        INTAKE,
        (Boundary("send", "dsr.closures.v1.dead-letter"),),
        before="the bad record, not committed; it is refused again",
        after="the dead letter; the record is refused again, with the same letter",
    ),
)

_LOGGED = (
    Write(
        "log.note",
        8,
        VERIFIER,
        (Boundary("commit", "insert into verifier.log_pending (kind, digest, at)"),),
        before="the audit entry's record, not committed; it is read again",
        after="the entry waits for the log; read again, it changes nothing",
    ),
    Write(
        "log.closed",
        7,
        VERIFIER,
        (Boundary("commit", "insert into verifier.closures"),),
        before="all but the last answers; read again, they close",
        after="the closure, which waits for the log by the same transaction",
    ),
    Write(
        "log.append",
        8,
        VERIFIER,
        (Boundary("commit", "insert into verifier.log_leaves"),),
        before="what waits; the next sequencer appends it",
        after="the leaves, their tiles, the checkpoint and its outbox row",
    ),
    Write(
        "log.publish",
        8,
        VERIFIER,
        (Boundary("send", "dsr.checkpoints.v1"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; published again, it says the same",
    ),
    Write(
        "log.cosign",
        8,
        VERIFIER,
        (Boundary("commit", "insert into verifier.log_cosignatures"),),
        before="the checkpoint; the witness is asked again, and cosigns the same",
        after="the cosignature; the witness is asked again for the next checkpoint",
    ),
)

WRITES = (
    *_LOOP,
    *_REFUSING,
    *SETTING_APART,
    *AMENDING,
    *_LOGGED,
    *DEFERRING,
    *LAW,
    *PHASING,
    *FINDING,
)
"""Every durable write that a process can be killed at."""

POINTS = points_of(_LOOP)
"""Every crash point of a request's way, in the order of the loop."""

REFUSALS = points_of(_REFUSING)
"""Those of a record that can never succeed; nothing of a request's way comes to them."""

APART = points_of(SETTING_APART)
"""Those of a request that a person's decision sets apart."""

AMENDED = points_of(AMENDING)
"""Those of the ledger, when such a decision changes what is owed."""

LOGGED = points_of(_LOGGED)
"""Those of the transparency log."""

LATER = points_of(DEFERRING)
"""Those of what is asked again long after the closing."""

_BY_NAME = {one.name: one for one in points_of(WRITES)}


def point(name: str) -> CrashPoint:
    """Return the crash point of a name."""
    return _BY_NAME[name]
