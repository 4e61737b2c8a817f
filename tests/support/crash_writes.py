"""What a durable write is to a test that kills at it, and the moments at which a process is killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["FANOUT", "INTAKE", "VERIFIER", "Boundary", "CrashPoint", "Kind", "Write", "points_of"]

INTAKE, FANOUT, VERIFIER = ("intake",), ("fanout",), ("verifier",)
"""Who is killed, where a service is."""

Kind = Literal["commit", "send", "offset", "call", "replace", "mail"]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A call that makes something durable."""

    kind: Kind
    """commit: a transaction of PostgreSQL or SQLite. send: a record to Kafka. offset: a commit of a
    consumer group. call: of Temporal. replace: of a file. mail: a message that is handed over."""

    holds: str
    """Part of the transaction's statements, of topic and type, of the call with what it names, or of the
    file's name."""


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


def points_of(writes: Sequence[Write]) -> tuple[CrashPoint, ...]:
    """Return the crash points of writes: just before each, and just after."""
    return tuple(
        CrashPoint(f"{one.name}.{moment}", one.step, one.victims, holds)
        for one in writes
        for moment, holds in (("before", one.before), ("after", one.after))
    )
