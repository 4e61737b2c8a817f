"""The durable writes of systems that are asked one after another, and of what one finds out for another."""

from __future__ import annotations

from support.crash_writes import FANOUT, INTAKE, VERIFIER, Boundary, Write

__all__ = ["FINDING", "PHASING"]

PHASING = (
    Write(
        "phase.confirm",
        7,
        VERIFIER,
        (Boundary("commit", "update verifier.phases p set confirmed_at"),),
        before="all but the last answers of the phase; read again, they confirm it",
        after="the confirmed phase and its outbox row; the next process publishes it",
    ),
    Write(
        "phase.publish",
        7,
        VERIFIER,
        (Boundary("send", "dsr.phases.v1"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; the hint comes twice",
    ),
    Write(
        "phase.signal",
        7,
        FANOUT,
        (Boundary("call", "signal phase_confirmed"),),
        before="the record, not committed; it is read again",
        after="the hint, in its workflow; given again, it changes nothing",
    ),
    Write(
        "phase.offset",
        7,
        FANOUT,
        (Boundary("offset", "dsr.phases.v1"),),
        before="the hint; given again, it changes nothing",
        after="the hint and the offset",
    ),
    Write(
        "phase.tell",
        4,
        FANOUT,
        (Boundary("send", "dsr.obligations.v1 dsr.v1.PhaseTold"),),
        before="the hint, in its workflow; the step is tried again",
        after="that the phase is told, and no notice of it; both are sent again under the same ids",
    ),
    Write(
        "phase.told",
        4,
        VERIFIER,
        (Boundary("commit", "insert into verifier.phases as p"),),
        before="the record, not committed; it is read again",
        after="when the phase was told; read again, it changes nothing",
    ),
)
"""Those of systems that are asked in a later phase."""

FINDING = (
    Write(
        "links.pass",
        7,
        VERIFIER,
        (Boundary("commit", "insert into verifier.links_told"),),
        before="all but the answers; read again, they are recorded and passed on",
        after="the answers and the outbox row; the next process publishes it",
    ),
    Write(
        "links.publish",
        7,
        VERIFIER,
        (Boundary("send", "dsr.links.v1"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; taken in again, it changes nothing",
    ),
    Write(
        "links.take",
        7,
        INTAKE,
        (Boundary("commit", "insert into intake.link_steps"),),
        before="the record, not committed; it is read again",
        after="the larger identity and each step; read again, it changes nothing",
    ),
    Write(
        "links.offset",
        7,
        INTAKE,
        (Boundary("offset", "dsr.links.v1"),),
        before="the larger identity; the record again changes nothing",
        after="everything of this step",
    ),
)
"""Those of what a system has found out about a person."""
