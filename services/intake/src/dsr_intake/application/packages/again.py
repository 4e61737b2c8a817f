"""Looking again: what a system should have protected is protected here, whatever it sent.

A record that is as it should be goes on byte for byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import orjson

from dsr_core.errors import RejectedInput
from dsr_core.exports import ExportedFile, ProtectedField, Protection
from dsr_core.protecting import RecordProtector
from dsr_core.undisclosed import may_hold_account_numbers

__all__ = ["LINE_LIMIT", "SMALL_BYTES", "Looker", "is_table"]

SMALL_BYTES = 16 * 1024 * 1024
"""Tables up to this size are looked at whatever the registry protects in them."""

LINE_LIMIT = 8 * 1024 * 1024
"""How long a record may be that is looked at."""


def is_table(file: ExportedFile) -> bool:
    """Tell whether a file holds records, one a line."""
    return file.name.endswith(".jsonl")


class Looker:
    """Looks at the records of one file."""

    def __init__(self, fields: Sequence[ProtectedField], file: ExportedFile) -> None:
        self._protector = RecordProtector(fields, file=file.name)
        stem = file.name.removesuffix(".jsonl") + "."
        self._must = any(one.path.startswith(("*.", stem)) for one in fields)
        self.looks = is_table(file) and (self._must or file.size <= SMALL_BYTES)
        """Whether there is anything to look at; what is large and of which nothing is protected is not."""

    @property
    def counts(self) -> Counter[Protection]:
        """How many values the system had not protected."""
        return self._protector.counts

    def pass_(self, portions: Iterable[memoryview]) -> Iterator[bytes | memoryview]:
        """Yield the file as it may be handed over.

        Raises:
            RejectedInput: Something in it is protected, and what it holds cannot be read.
        """
        held = b""
        for portion in portions:
            lines = held + portion
            end = lines.rfind(b"\n") + 1
            held = lines[end:]
            if end:
                yield self._lines(lines[:end])
            if len(held) > LINE_LIMIT:
                detail = f"a record has more than {LINE_LIMIT} bytes, and cannot be looked at"
                raise RejectedInput("unreadable_records", detail)
        if held:
            yield self._line(held).removesuffix(b"\n")

    def _lines(self, content: bytes) -> bytes:
        """Return whole lines as they may be handed over: as they are, where nothing in them can matter."""
        lines = content.split(b"\n")[:-1]
        if not self._leaves_names(content, lines):
            return b"".join(map(self._line, lines))
        if not may_hold_account_numbers(content):
            return content
        return b"".join(
            self._line(line) if may_hold_account_numbers(line) else line + b"\n" for line in lines
        )

    def _leaves_names(self, content: bytes, lines: Sequence[bytes]) -> bool:
        """Tell whether all lines are records in which nothing is protected for its name."""
        protector = self._protector
        try:
            records = map(orjson.loads, lines)
            if _are_flat(content, len(lines)):
                return all(map(protector.leaves, set(map(tuple, records))))
            return all(isinstance(one, dict) and protector.leaves_all(one) for one in records)
        except (ValueError, RecursionError):  # each line is looked at by itself then
            return False

    def _line(self, line: bytes) -> bytes:
        if not line.strip():
            return line + b"\n"
        try:
            record = orjson.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            if self._must:
                detail = "values are protected in it, and a line of it is no record"
                raise RejectedInput("unreadable_records", detail)
            return line + b"\n"
        before = self.counts.total()
        try:
            protected = self._protector.protect(record)
            if self.counts.total() == before:
                return line + b"\n"
            return orjson.dumps(protected) + b"\n"
        except (RecursionError, orjson.JSONEncodeError) as error:
            detail = "a record is nested too deeply, and cannot be looked at"
            raise RejectedInput("unreadable_records", detail) from error


def _are_flat(content: bytes, count: int) -> bool:
    """Tell whether so many lines, if they are JSON, are mappings without another or a list in them."""
    return (
        content.startswith(b"{")
        and content.count(b"\n{") == count - 1
        and content.count(b"{") == count
        and b"[" not in content
    )
