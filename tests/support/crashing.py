"""Crashing: where a process can be made to kill itself, and the launcher that makes it.

`python -m support.crashing MODULE [ARGUMENT ...]` runs a module's ordinary main, with the boundaries of
third-party libraries wrapped: asyncpg, aiokafka, Temporal's client, aiosmtplib, sqlite3, and the replacing
of files.
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
from pathlib import Path
from typing import Any

from support.crash_points import WRITES
from support.crash_writes import Kind

__all__ = ["CRASH_FILE"]

CRASH_FILE = "CRASH_FILE"
"""The variable that names the file."""


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
        write = next(one for one in WRITES if one.name == name)
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
            statement = " ".join(query.split())

            def run() -> Awaitable[Any]:
                outcome: Awaitable[Any] = method(self, query, *arguments, **options)
                return outcome

            match statement.rstrip(";").upper():
                case "BEGIN":
                    open_transactions[id(self)] = []
                case "ROLLBACK":
                    open_transactions.pop(id(self), None)
                case "COMMIT":
                    statements = " ".join(open_transactions.pop(id(self), ()))
                    return await trap.around("commit", statements, run)
                case _ if id(self) in open_transactions:
                    open_transactions[id(self)].append(statement)
                case _:
                    trap.spring("before", "commit", statement)
                    outcome = await run()
                    if _has_written(outcome):
                        trap.spring("after", "commit", statement)
                    return outcome
            return await run()

        setattr(asyncpg.Connection, name, call)

    for name in ("execute", "executemany", "fetch", "fetchrow", "fetchval"):
        wrap(name)


def _has_written(outcome: Any) -> bool:
    """Tell whether a statement on its own changed a row: a look that finds nothing to do writes nothing."""
    return outcome != [] and not (isinstance(outcome, str) and outcome.endswith(" 0"))


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

        async def call(self: Any, named: str, *arguments: Any, **options: Any) -> Any:
            detail = " ".join([name, named, options.get("start_signal") or ""])
            return await trap.around(
                "call", detail, lambda: method(self, named, *arguments, **options)
            )

        setattr(owner, name, call)

    wrap(Client, "start_workflow")
    wrap(WorkflowHandle, "signal")


def _wrap_mail(trap: _Trap) -> None:
    from aiosmtplib import SMTP  # noqa: PLC0415 - see above

    sendmail = SMTP.sendmail

    async def sending(*arguments: Any, **options: Any) -> Any:
        return await trap.around("mail", "sendmail", lambda: sendmail(*arguments, **options))

    SMTP.sendmail = sending  # type: ignore[method-assign]  # called as the one it stands in for


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
    if module == "dsr_intake":
        _wrap_mail(trap)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
