"""The outcome store in one SQLite file: the default, for a system that runs as one process."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_core.rights import RIGHTS, Right
from dsr_sdk.access import journal_sqlite as exports
from dsr_sdk.access.journal import BegunExport, PartName
from dsr_sdk.obligations import ObligationKey
from dsr_sdk.outcomes import Outcome, OutcomeState

__all__ = ["SqliteOutcomeStore"]

_VERSION = 4

_ENDED = (
    f"state IN ({OutcomeState.CONFIRMED.value}, {OutcomeState.STOPPED.value})"
    " AND is_unsent = 0 AND is_suspended = 0"
)

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS outcomes (
  request_id TEXT NOT NULL,
  subject_right TEXT NOT NULL,
  notice_id TEXT NOT NULL,
  state INTEGER NOT NULL,
  sequence INTEGER NOT NULL DEFAULT 0,
  acknowledgement BLOB NOT NULL DEFAULT x'',
  retry_at INTEGER,
  sealed_obligation BLOB NOT NULL DEFAULT x'',
  is_unsent INTEGER NOT NULL DEFAULT 0,
  recorded_at INTEGER,
  revision INTEGER NOT NULL DEFAULT 0,
  is_suspended INTEGER NOT NULL DEFAULT 0,
  effect_may_stand INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (request_id, subject_right)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outcomes_to_retry ON outcomes (retry_at) WHERE retry_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS outcomes_unsent ON outcomes (is_unsent) WHERE is_unsent = 1;
CREATE INDEX IF NOT EXISTS outcomes_ended ON outcomes (recorded_at) WHERE {_ENDED};
"""
_FROM_1 = """
ALTER TABLE outcomes ADD COLUMN recorded_at INTEGER;
UPDATE outcomes SET recorded_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000000;
"""
"""Version 1 did not know when an answer was recorded: not later than now."""

_FROM_2 = """
ALTER TABLE outcomes ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN is_suspended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN effect_may_stand INTEGER NOT NULL DEFAULT 0;
DROP INDEX IF EXISTS outcomes_confirmed;
"""
"""Version 2 knew no notice that stops or suspends."""

_MIGRATIONS = {1: _FROM_1 + _FROM_2, 2: _FROM_2}
"""Version 3 knew no exports."""

_COLUMNS = (
    "request_id, subject_right, notice_id, state, sequence, acknowledgement, retry_at,"
    " sealed_obligation, is_unsent, recorded_at, revision, is_suspended, effect_may_stand"
)
_FIND = f"""
SELECT {_COLUMNS} FROM json_each(?) AS wanted CROSS JOIN outcomes
ON request_id = wanted.value AND subject_right = ?
"""
_BEGIN = f"""
INSERT INTO outcomes (request_id, subject_right, notice_id, state)
VALUES (?, ?, ?, {OutcomeState.ASKED.value})
ON CONFLICT DO UPDATE SET notice_id = excluded.notice_id, state = excluded.state
"""
_PLACES = ", ".join("?" * len(_COLUMNS.split(",")))
_SAVE = f"INSERT OR REPLACE INTO outcomes ({_COLUMNS}) VALUES ({_PLACES})"
_DUE = f"SELECT {_COLUMNS} FROM outcomes WHERE retry_at <= ? ORDER BY retry_at LIMIT ?"
_UNSENT = f"SELECT {_COLUMNS} FROM outcomes WHERE is_unsent = 1 LIMIT ?"
_NEXT = "SELECT min(retry_at) FROM outcomes WHERE retry_at IS NOT NULL"
_SENT = """
UPDATE outcomes SET is_unsent = 0 WHERE request_id = ? AND subject_right = ? AND sequence = ?
"""
_FORGET = f"""
DELETE FROM outcomes WHERE (request_id, subject_right) IN (
  SELECT request_id, subject_right FROM outcomes
  WHERE {_ENDED} AND recorded_at < ?
  ORDER BY recorded_at LIMIT ?
)
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_ENDED_STATES = (OutcomeState.CONFIRMED, OutcomeState.STOPPED)

_Row = tuple[str, str, str, int, int, bytes, int | None, bytes, int, int | None, int, int, int]


class SqliteOutcomeStore:
    """Outcomes in a file that one process holds alone.

    Writes go to a write-ahead log that is flushed to the disk before a call returns, so that they
    survive the machine's crash too. The file is created with mode 0600. Calls block for the time of
    the flush; there are two a poll, however many notices it brought.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open or create the file.

        Raises:
            Unavailable: It cannot be written, another process has it, or a later version wrote it.
        """
        if self._connection is not None:
            return
        with self._faults():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(
                self._path, isolation_level=None, timeout=1.0, check_same_thread=False
            )
            try:
                _prepare(connection)
            except (sqlite3.Error, Unavailable):
                connection.close()
                raise
            self._connection = connection

    async def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def find(self, keys: Sequence[ObligationKey]) -> Mapping[ObligationKey, Outcome]:
        """Look up many obligations with one query a right."""
        found: dict[ObligationKey, Outcome] = {}
        for right in {key.right for key in keys}:
            wanted = json.dumps([key.request_id for key in keys if key.right is right])
            for outcome in self._select(_FIND, (wanted, right.value)):
                found[outcome.key] = outcome
        return found

    async def begin(self, begun: Sequence[tuple[ObligationKey, str]]) -> None:
        """Mark as asked, in one transaction."""
        rows = [(key.request_id, key.right.value, notice_id) for key, notice_id in begun]
        self._write((_BEGIN, rows))

    async def save(self, outcomes: Sequence[Outcome]) -> None:
        """Replace rows, and forget the exports of what has ended, in one transaction."""
        ended = [
            one.key
            for one in outcomes
            if RIGHTS[one.key.right].hands_over and one.state in _ENDED_STATES
        ]
        self._write((_SAVE, [_row(one) for one in outcomes]), *exports.forgotten(ended))

    async def due(self, at: datetime, limit: int) -> Sequence[Outcome]:
        """Read by the index of retries."""
        return list(self._select(_DUE, (_number(at), limit)))

    async def next_retry_at(self) -> datetime | None:
        """Read the first of the index of retries."""
        with self._faults():
            (number,) = self._open().execute(_NEXT).fetchone()
        return None if number is None else _time(number)

    async def unsent(self, limit: int) -> Sequence[Outcome]:
        """Read by the index of unsent answers."""
        return list(self._select(_UNSENT, (limit,)))

    async def mark_sent(self, outcomes: Sequence[Outcome]) -> None:
        """Clear the mark, in one transaction."""
        rows = [(one.key.request_id, one.key.right.value, one.sequence) for one in outcomes]
        self._write((_SENT, rows))

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete by the index of what has ended; the file keeps its size and reuses the room."""
        with self._faults():
            return self._open().execute(_FORGET, (_number(before), limit)).rowcount

    async def begun_export(self, key: ObligationKey) -> BegunExport | None:
        """Read the export that has begun, and its parts."""
        with self._faults():
            return exports.begun_export(self._open(), key)

    async def note_parts(
        self,
        key: ObligationKey,
        export_id: str,
        export_key: bytes,
        digests: Mapping[PartName, bytes],
    ) -> None:
        """Note what parts will be, in one transaction."""
        self._write(*exports.note_parts(key, export_id, export_key, digests))

    async def mark_parts_stored(self, export_id: str, names: Sequence[PartName]) -> None:
        """Set the marks, in one transaction."""
        self._write(*exports.stored(export_id, names))

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise Unavailable("the outcome store is closed")
        return self._connection

    def _select(self, statement: str, values: tuple[object, ...]) -> Iterator[Outcome]:
        with self._faults():
            rows = self._open().execute(statement, values).fetchall()
        return map(_outcome, rows)

    def _write(self, *steps: tuple[str, Sequence[tuple[object, ...]]]) -> None:
        connection = self._open()
        with self._faults():
            connection.execute("BEGIN IMMEDIATE")
            try:
                for statement, rows in steps:
                    connection.executemany(statement, rows)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            detail = f"the outcome store {self._path} is away ({error})"
            raise Unavailable(detail) from error


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -2000")
    connection.execute("PRAGMA secure_delete = ON")  # of keys of exports nothing is to be left
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise Unavailable("the outcome store was written by a later version of dsr-sdk")
    migration = _MIGRATIONS.get(version, "")
    connection.executescript(
        f"BEGIN IMMEDIATE; {migration} {_SCHEMA} {exports.SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT"
    )


def _row(one: Outcome) -> _Row:
    return (
        one.key.request_id,
        one.key.right.value,
        one.notice_id,
        one.state.value,
        one.sequence,
        one.acknowledgement,
        None if one.retry_at is None else _number(one.retry_at),
        one.sealed_obligation,
        int(one.is_unsent),
        None if one.recorded_at is None else _number(one.recorded_at),
        one.revision,
        int(one.is_suspended),
        int(one.effect_may_stand),
    )


def _outcome(row: _Row) -> Outcome:
    return Outcome(
        key=ObligationKey(RequestId(row[0]), Right(row[1])),
        notice_id=row[2],
        state=OutcomeState(row[3]),
        sequence=row[4],
        acknowledgement=row[5],
        retry_at=None if row[6] is None else _time(row[6]),
        sealed_obligation=row[7],
        is_unsent=bool(row[8]),
        recorded_at=None if row[9] is None else _time(row[9]),
        revision=row[10],
        is_suspended=bool(row[11]),
        effect_may_stand=bool(row[12]),
    )


def _number(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _time(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND
