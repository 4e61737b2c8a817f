"""The journal of exports in the SQLite file of the outcome store: statements, and rows read and made."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from dsr_sdk.access.journal import BegunExport, NotedPart, PartName
from dsr_sdk.obligations import ObligationKey
from dsr_wire.exports import Stream

__all__ = ["SCHEMA", "begun_export", "forgotten", "note_parts", "stored"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS exports (
  request_id TEXT NOT NULL,
  subject_right TEXT NOT NULL,
  export_id TEXT NOT NULL,
  key BLOB NOT NULL,
  PRIMARY KEY (request_id, subject_right)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_parts (
  export_id TEXT NOT NULL,
  name TEXT NOT NULL,
  digest BLOB NOT NULL,
  is_stored INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (export_id, name)
) WITHOUT ROWID;
"""

_OF = "SELECT export_id, key FROM exports WHERE request_id = ? AND subject_right = ?"
_PARTS = "SELECT name, digest, is_stored FROM export_parts WHERE export_id = ?"
_FORGET_PARTS = """
DELETE FROM export_parts WHERE export_id IN
  (SELECT export_id FROM exports WHERE request_id = ? AND subject_right = ? AND export_id <> ?)
"""
_FORGET_EXPORT = """
DELETE FROM exports WHERE request_id = ? AND subject_right = ? AND export_id <> ?
"""
_FORGET = (_FORGET_PARTS, _FORGET_EXPORT)
"""What forgets each export of an obligation but one."""

_BEGIN = (
    "INSERT OR IGNORE INTO exports (request_id, subject_right, export_id, key) VALUES (?, ?, ?, ?)"
)
_NOTE = "INSERT OR REPLACE INTO export_parts (export_id, name, digest) VALUES (?, ?, ?)"
_STORED = "UPDATE export_parts SET is_stored = 1 WHERE export_id = ? AND name = ?"

Step = tuple[str, Sequence[tuple[object, ...]]]
"""A statement, and the values of each time that it is executed."""


def begun_export(connection: sqlite3.Connection, key: ObligationKey) -> BegunExport | None:
    """Read what is known of an obligation's export."""
    found = connection.execute(_OF, (key.request_id, key.right.value)).fetchone()
    if found is None:
        return None
    parts = {
        _part(name): NotedPart(digest, bool(is_stored))
        for name, digest, is_stored in connection.execute(_PARTS, (found[0],))
    }
    return BegunExport(found[0], found[1], parts)


def note_parts(
    key: ObligationKey, export_id: str, export_key: bytes, digests: Mapping[PartName, bytes]
) -> list[Step]:
    """Return what notes parts, in one transaction."""
    obligation = (key.request_id, key.right.value)
    parts = [(export_id, _name(part), digest) for part, digest in digests.items()]
    others = [(*obligation, export_id)]
    return [
        *((statement, others) for statement in _FORGET),
        (_BEGIN, [(*obligation, export_id, export_key)]),
        (_NOTE, parts),
    ]


def forgotten(keys: Sequence[ObligationKey]) -> list[Step]:
    """Return what forgets the exports of obligations, their keys with them."""
    obligations = [(key.request_id, key.right.value, "") for key in keys]
    return [(statement, obligations) for statement in _FORGET] if obligations else []


def stored(export_id: str, names: Sequence[PartName]) -> list[Step]:
    """Return what marks parts as stored."""
    return [(_STORED, [(export_id, _name(one)) for one in names])]


def _name(part: PartName) -> str:
    return f"{part.stream}-{part.number}"


def _part(name: str) -> PartName:
    stream, _, number = name.partition("-")
    return PartName(Stream(stream), int(number))
