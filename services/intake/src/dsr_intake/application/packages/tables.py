"""Tables of any size, looked at by whole portions: what a system should have protected is protected here.

A record that is as it should be goes on byte for byte.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import orjson

from dsr_core.exports import ExportedFile, ProtectedField, Protection
from dsr_core.protecting import RecordProtector
from dsr_core.undisclosed import (
    may_be_account_number,
    may_hold_account_numbers,
    without_account_numbers,
)
from dsr_intake.application.packages.documents import DocumentLooker
from dsr_intake.application.packages.portions import LINE_LIMIT, cut, refuse
from dsr_intake.application.packages.record_form import RecordForm
from dsr_intake.application.packages.repeated import repeat_a_name
from dsr_intake.application.packages.shape import Shape

__all__ = ["TableLooker"]

_SHAPES_LIMIT = 32
"""So often the shape of a table is learnt; one that has another ever again has none."""

_SPELT_OTHERWISE = re.compile(rb"\d[\d.]{15}|\d[eE]|\.\d*0(?!\d)|\.0000|-0(?![\d.])")
"""A number that may be spelt otherwise, or have fewer digits, once it was read: elsewhere none is."""

_Record = dict[str, Any]
_NESTING = frozenset({dict, list})
_NUMBERS = frozenset({int, float})


class TableLooker:
    """Looks at the records of one file."""

    def __init__(self, fields: Sequence[ProtectedField], file: ExportedFile) -> None:
        self._protector = RecordProtector(fields, file=file.name)
        self._fields = fields
        self._file = file
        self._form = RecordForm()
        """Of the records as they may be handed over."""

        self._is_plain = True
        """Whether every name in the form is one that may be handed over, whatever stands under it."""

        self._shape: Shape | None = None
        self._shapes = 0
        self._learnt = 0
        """What was new in the form when the shape was learnt."""

    @property
    def counts(self) -> Counter[Protection]:
        """How many values the system had not protected."""
        return self._protector.counts

    def row_schema(self) -> bytes | None:
        """Return the JSON Schema that each record follows which was passed; none where they have no form."""
        return self._form.schema(self._file.name)

    def pass_(self, portions: Iterable[memoryview]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the file a portion at a time: as it came, and as it may be handed over.

        Raises:
            RejectedInput: A line of it is no record, or one that is too long or nested too deeply.
        """
        held = b""
        for portion in cut(portions):
            lines = held + portion
            end = lines.rfind(b"\n") + 1
            held = lines[end:]
            if end:
                whole = lines[:end]
                yield whole, self._lines(whole)
            if len(held) > LINE_LIMIT:
                refuse(f"a record has more than {LINE_LIMIT} bytes")
        if held:
            yield held, self._line(held).removesuffix(b"\n")

    def _lines(self, content: bytes) -> bytes:
        """Return whole lines as they may be handed over: as they are, where nothing in them can matter."""
        is_suspect = may_hold_account_numbers(content)
        has_shape = self._has_shape(content)
        if has_shape and not is_suspect:
            return content
        lines = content.split(b"\n")[:-1]
        records = self._records(lines, names_known=has_shape)
        if records is None:
            self._is_plain = False
            return b"".join(map(self._line, lines))
        if not (is_suspect and _hold_account_numbers(records)):
            if not has_shape:
                self._form.take(records)
            return content
        return b"".join(map(self._suspect, lines, records))

    def _records(self, lines: list[bytes], *, names_known: bool) -> list[_Record] | None:
        """Read whole lines; none where not all are records that have no protected name."""
        try:
            records: list[_Record] = list(map(orjson.loads, lines))
        except ValueError:
            return None
        if repeat_a_name(lines, records):  # else whatever is in the lines is in what was read
            return None
        if names_known:
            return records
        if not all(isinstance(one, dict) for one in records):
            return None
        leaves = all(self._protector.leaves(names, above) for above, names in _shapes(records))
        return records if leaves else None

    def _has_shape(self, content: bytes) -> bool:
        """Tell whether whole lines are records of the form of those before, with no protected name."""
        if self._learnt != self._form.changes:
            form, self._learnt = self._form.records, self._form.changes
            is_limited = self._shapes >= _SHAPES_LIMIT or not self._is_plain
            self._shape = None if form is None or is_limited else Shape(form)
            self._shapes += 1
        return self._shape is not None and self._shape.has(content)

    def _suspect(self, line: bytes, record: _Record) -> bytes:
        """Return a line that was read as a record without protected names, with what it ends in."""
        if may_hold_account_numbers(line):
            return self._line(line)
        self._form.take([record])
        return line + b"\n"

    def _line(self, line: bytes) -> bytes:
        if not line.strip():
            return line + b"\n"
        try:
            record = orjson.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            refuse("a line of it is no record")
        if repeat_a_name([line], [record]):
            looker = DocumentLooker(self._fields, self._file)
            passed = self._by_value(line, looker)
            self.counts.update(looker.counts)
            return passed
        before = self.counts.total()
        protected = self._protector.protect(record)
        if self.counts.total() == before:
            self._form.take([protected])
            return line + b"\n"
        if orjson.dumps(record) == line or not _SPELT_OTHERWISE.search(line):
            self._form.take([protected])
            return orjson.dumps(protected) + b"\n"
        return self._by_value(line, DocumentLooker(self._fields, self._file))

    def _by_value(self, line: bytes, looker: DocumentLooker) -> bytes:
        """Return a record as it may be handed over, each value that stays as it is written."""
        passed = b"".join(after for _, after in looker.pass_([memoryview(line)]))
        self._form.take([orjson.loads(passed)])
        return passed + b"\n"


def _hold_account_numbers(records: Sequence[_Record]) -> bool:
    """Tell whether a text or a number of some records holds an account's; names and fractions are none."""
    values = [
        *chain.from_iterable(_values(one) for _, places in _places(records) for one in places)
    ]
    texts = [one for one in values if type(one) is str]
    numbers = filter(may_be_account_number, [one for one in values if type(one) in _NUMBERS])
    # No account's number goes on over the end of a line.
    together = "\n".join(chain(texts, map(str, map(int, numbers))))
    return may_hold_account_numbers(together.encode()) and without_account_numbers(together)[1] > 0


def _shapes(records: Sequence[_Record]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield where mappings stand, as `RecordProtector` says it, with the names that one has there."""
    for above, places in _places(records):
        for names in {tuple(one) for one in places if isinstance(one, dict)}:
            yield above, names


def _places(records: Sequence[_Record]) -> Iterator[tuple[str, Sequence[_Record | list[Any]]]]:
    """Yield the mappings and lists of records by where they stand, those of a place together."""
    todo: list[tuple[str, Sequence[_Record | list[Any]]]] = [("", records)]
    while todo:
        above, places = todo.pop()
        yield above, places
        within = defaultdict[str, list[Any]](list)
        for one in places:
            if isinstance(one, dict):
                if _NESTING.isdisjoint(map(type, one.values())):
                    continue
                for name in [name for name, value in one.items() if type(value) in _NESTING]:
                    within[f"{above}{name}."].append(one[name])
            else:
                within[above] += [value for value in one if type(value) in _NESTING]
        todo += [(where, found) for where, found in within.items() if found]


def _values(one: _Record | list[Any]) -> Iterable[Any]:
    return one.values() if isinstance(one, dict) else one
