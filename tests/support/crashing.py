"""Crashing: where a process can be made to kill itself, and the launcher that makes it.

`python -m support.crashing MODULE [ARGUMENT ...]` runs a module's ordinary main, with the boundaries of
third-party libraries wrapped: asyncpg, aiokafka, Temporal's client, sqlite3, and the replacing of files.
When a durable write is reached whose crash point the file named by `CRASH_FILE` holds, the file is
removed and the process sends itself SIGKILL: once, since the next one finds no file. The code that runs
is the product's own; it holds no switch for this.
"""

from __future__ import annotations

import os
import runpy
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["CRASH_FILE", "POINTS", "SYSTEMS", "CrashPoint", "point"]

CRASH_FILE = "CRASH_FILE"
"""The variable that names the file."""

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
class _Write:
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

_WRITES = (
    _Write(
        "accept",
        1,
        _INTAKE,
        (Boundary("commit", "insert into intake.subject_requests"),),
        before="nothing; the client saw no answer, and its next try is the first",
        after="the request; the client saw no answer, and its next try is given the same id",
    ),
    _Write(
        "publish",
        2,
        _INTAKE,
        (Boundary("send", "dsr.requests.v1"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; published again, it starts nothing again",
    ),
    _Write(
        "start",
        3,
        _FANOUT,
        (Boundary("call", "start_workflow"),),
        before="the record, not committed; it is read again",
        after="the workflow; the record is read again and starts nothing again",
    ),
    _Write(
        "start.offset",
        3,
        _FANOUT,
        (Boundary("offset", "dsr.requests.v1"),),
        before="the workflow; the record is read again and starts nothing again",
        after="the workflow and the offset; Temporal gives its work to the next process",
    ),
    _Write(
        "open",
        4,
        _FANOUT,
        (Boundary("send", "dsr.obligations.v1"),),
        before="the workflow; the step is tried again",
        after="the obligations; opened again under the same event id",
    ),
    _Write(
        "open.recorded",
        4,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.requests"),),
        before="the record, not committed; it is read again, after answers perhaps",
        after="the ledger's rows; the same rows again change nothing",
    ),
    _Write(
        "notify",
        5,
        _FANOUT,
        (Boundary("send", "dsr.deletion."),),
        before="the obligations; the step is tried again",
        after="at least one notice; all are sent again under the same ids",
    ),
    _Write(
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
    _Write(
        "acknowledge.outcome",
        6,
        SYSTEMS,
        (Boundary("commit", "insert or replace into outcomes"),),
        before="the effect; the handler is asked again and told so",
        after="effect and outcome; the outcome is sent, and the handler not asked again",
    ),
    _Write(
        "acknowledge.answer",
        6,
        SYSTEMS,
        (Boundary("send", "dsr.acknowledgements.v1"),),
        before="effect and outcome; the outcome is sent, and the handler not asked again",
        after="the answer; it is sent again with the same sequence number",
    ),
    _Write(
        "acknowledge.offset",
        6,
        SYSTEMS,
        (Boundary("offset", "dsr.deletion."),),
        before="the answer; it is sent again with the same sequence number",
        after="everything of this step",
    ),
    _Write(
        "record",
        7,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.acknowledgements"),),
        before="the answers' records, not committed; they are read again",
        after="the first answers; the same rows again change nothing",
    ),
    _Write(
        "record.closure",
        7,
        _VERIFIER,
        (Boundary("commit", "insert into verifier.closures"),),
        before="all but the last answers; read again, they close",
        after="the closure and its outbox row; the next process publishes it",
    ),
    _Write(
        "record.offset",
        7,
        _VERIFIER,
        (Boundary("offset", "dsr.acknowledgements.v1"),),
        before="the answers; read again, they change nothing",
        after="everything of this step",
    ),
    _Write(
        "close.publish",
        8,
        _VERIFIER,
        (Boundary("send", "dsr.closures.v1"),),
        before="the closure's outbox row; the next process publishes it",
        after="the closure's record and the row; published again, it changes nothing",
    ),
    _Write(
        "close.answer",
        8,
        _INTAKE,
        (Boundary("commit", "update intake.subject_requests"),),
        before="the closure's record, not committed; it is read again",
        after="the request is answered and its key gone; the record again changes nothing",
    ),
    _Write(
        "close.offset",
        8,
        _INTAKE,
        (Boundary("offset", "dsr.closures.v1"),),
        before="the answer; the record again changes nothing",
        after="the answer and the offset; the outbox is published later",
    ),
    _Write(
        "close.told",
        8,
        _INTAKE,
        (Boundary("send", "dsr.lifecycle.v1 dsr.v1.CohortAnswered"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the record and the row; the hint comes twice",
    ),
    _Write(
        "close.hint",
        8,
        _FANOUT,
        (Boundary("call", "signal"),),
        before="the record, not committed; it is read again",
        after="the hint, in Temporal; given again, it finds the workflow ended or ending",
    ),
    _Write(
        "close.hint-offset",
        8,
        _FANOUT,
        (Boundary("offset", "dsr.lifecycle.v1"),),
        before="the hint; given again, it finds the workflow ended or ending",
        after="everything",
    ),
)

POINTS: tuple[CrashPoint, ...] = tuple(
    CrashPoint(f"{one.name}.{moment}", one.step, one.victims, holds)
    for one in _WRITES
    for moment, holds in (("before", one.before), ("after", one.after))
)
"""Every crash point, in the order of the loop."""


def point(name: str) -> CrashPoint:
    """Return the crash point of a name."""
    return next(one for one in POINTS if one.name == name)


class _Trap:
    """Kills this process at the point that the file holds."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def spring(self, moment: str, kind: Kind, detail: str) -> None:
        try:
            armed = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        name, _, at = armed.rpartition(".")
        if at != moment:
            return
        write = next(one for one in _WRITES if one.name == name)
        if any(one.kind == kind and one.holds in detail for one in write.boundaries):
            self._file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    async def around(self, kind: Kind, detail: str, call: Callable[[], Awaitable[Any]]) -> Any:
        self.spring("before", kind, detail)
        result = await call()
        self.spring("after", kind, detail)
        return result


def _wrap_postgres(trap: _Trap) -> None:
    import asyncpg  # noqa: PLC0415 - only what a process uses itself is worth loading

    open_transactions: dict[int, list[str]] = {}

    def wrap(name: str) -> None:
        method = getattr(asyncpg.Connection, name)

        async def call(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
            def run() -> Awaitable[Any]:
                outcome: Awaitable[Any] = method(self, query, *arguments, **options)
                return outcome

            match query.rstrip(";").upper():
                case "BEGIN":
                    open_transactions[id(self)] = []
                case "ROLLBACK":
                    open_transactions.pop(id(self), None)
                case "COMMIT":
                    statements = " ".join(open_transactions.pop(id(self), ()))
                    return await trap.around("commit", statements, run)
                case _ if id(self) in open_transactions:
                    open_transactions[id(self)].append(query)
                case _:
                    return await trap.around("commit", query, run)
            return await run()

        setattr(asyncpg.Connection, name, call)

    for name in ("execute", "executemany", "fetch", "fetchrow", "fetchval"):
        wrap(name)


def _wrap_kafka(trap: _Trap) -> None:
    import aiokafka  # noqa: PLC0415 - see above

    send, commit = aiokafka.AIOKafkaProducer.send, aiokafka.AIOKafkaConsumer.commit

    async def sending(
        self: Any, topic: str, *arguments: Any, headers: Any = None, **options: Any
    ) -> Any:
        kinds = [data.decode() for name, data in headers or () if name == "ce_type"]
        detail = " ".join([topic, *kinds])
        trap.spring("before", "send", detail)
        future = await send(self, topic, *arguments, headers=headers, **options)

        # The first to be called back: before anyone who waits for the broker goes on.
        def stored(done: Any) -> None:
            if not done.cancelled() and done.exception() is None:
                trap.spring("after", "send", detail)

        future.add_done_callback(stored)
        return future

    async def committing(self: Any, offsets: Any = None) -> Any:
        topics: Iterable[str] = (
            self.subscription() if offsets is None else {one.topic for one in offsets}
        )
        return await trap.around("offset", " ".join(topics), lambda: commit(self, offsets))

    aiokafka.AIOKafkaProducer.send = sending
    aiokafka.AIOKafkaConsumer.commit = committing


def _wrap_temporal(trap: _Trap) -> None:
    from temporalio.client import Client, WorkflowHandle  # noqa: PLC0415 - see above

    def wrap(owner: Any, name: str) -> None:
        method = getattr(owner, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            return await trap.around("call", name, lambda: method(*arguments, **options))

        setattr(owner, name, call)

    wrap(Client, "start_workflow")
    wrap(WorkflowHandle, "signal")


def _wrap_sqlite(trap: _Trap) -> None:
    connect = sqlite3.connect

    class Connection(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._statements: list[str] = []

        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            match sql.split(maxsplit=1)[0].upper():
                case "BEGIN":
                    self._statements = []
                case "COMMIT":
                    detail = " ".join(self._statements).lower()
                    trap.spring("before", "commit", detail)
                    cursor = super().execute(sql, *arguments)
                    trap.spring("after", "commit", detail)
                    return cursor
                case _:
                    self._statements.append(sql)
            return super().execute(sql, *arguments)

        def executemany(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            self._statements.append(sql)
            return super().executemany(sql, *arguments)

    def connecting(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*arguments, **{"factory": Connection, **options})
        return made

    sqlite3.connect = connecting  # type: ignore[assignment]  # called as the one it stands in for


def _wrap_files(trap: _Trap) -> None:
    replace = os.replace

    def replacing(source: Any, target: Any, **options: Any) -> None:
        trap.spring("before", "replace", str(target))
        replace(source, target, **options)
        trap.spring("after", "replace", str(target))

    os.replace = replacing  # type: ignore[assignment]  # as sqlite3.connect above


def main() -> None:
    """Run the module that the command line names, as `python -m` would."""
    trap = _Trap(Path(os.environ[CRASH_FILE]))
    module, arguments = sys.argv[1], sys.argv[2:]
    _wrap_postgres(trap)
    _wrap_kafka(trap)
    _wrap_sqlite(trap)
    _wrap_files(trap)
    if module == "dsr_fanout":
        _wrap_temporal(trap)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
