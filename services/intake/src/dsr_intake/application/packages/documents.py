"""JSON documents of any size, looked at value by value as they pass.

Nothing of a document is held but the value that is being read and the way to it. What may be handed over
as it is goes on byte for byte.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from dsr_core.exports import ExportedFile, ProtectedField, Protection
from dsr_core.protecting import RecordProtector
from dsr_core.undisclosed import may_hold_account_numbers
from dsr_intake.application.packages.portions import LINE_LIMIT, cut, refuse, require_utf_8

__all__ = ["DocumentLooker"]

_TOKEN = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*"|\[\s*\]|\{\s*\}|[\[\]{},:]|[^\s\[\]{},:"]+|\s+', re.DOTALL
)
_GOES_ON = re.compile(rb'[^\s\]},:"]')
"""How a token begins that may go on in the next portion; one in quotes is not one before it ends."""

_STRING = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?', re.DOTALL)
_WHOLE = re.compile(rb"[\[{][^\[\]{}]*[\]}]")
"""A mapping or list in which nothing nests, where texts are blank."""

_FOLDS = 20
_DEPTH_LIMIT = 1000
_HARMLESS_LENGTH = 13
"""No value that is written with fewer characters holds an account's number."""

_MAPPING: dict[str, Any] = {"": 1}
_LIST: list[Any] = [[]]
"""Stand for what has begun and is not read yet; a list is protected value by value."""


@dataclass(slots=True)
class _Place:
    """A mapping or list that is open, or the whole document."""

    is_mapping: bool
    above: str = ""
    """Where its members stand, as `RecordProtector` says it."""

    name: str = ""
    """Of what is being read in a mapping; of a list, what it stands under itself."""

    has_members: bool = False
    awaits_name: bool = False


class DocumentLooker:
    """Looks at the values of one document."""

    def __init__(self, fields: Sequence[ProtectedField], file: ExportedFile) -> None:
        self._protector = RecordProtector(fields, file=file.name)
        self._places = [_Place(is_mapping=False)]
        self._left_out = 0
        """So many mappings and lists are open in what is left out."""

        self._pending = bytearray()
        """What stands before a value of which it is not decided yet whether it is left out."""

        self._result = bytearray()

    @property
    def counts(self) -> Counter[Protection]:
        """How many values the system had not protected."""
        return self._protector.counts

    def pass_(self, portions: Iterable[memoryview]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the file a portion at a time: as it came, and as it may be handed over.

        What is no JSON is looked at as far as names and values can be told in it.

        Raises:
            RejectedInput: A value is too long, or nested too deeply; or something in it is protected, and
                it is no JSON.
        """
        held, is_begun = b"", False
        for portion in cut(portions):
            content = held + portion
            if not is_begun:
                require_utf_8(content)
                is_begun = True
            end = self._pass_by(content) or self._take(content)
            held = content[end:]
            yield content[:end], self._looked_at()
            if len(held) > LINE_LIMIT:
                refuse(f"a value has more than {LINE_LIMIT} bytes")
        self._end(held)
        yield held, self._looked_at()

    def _pass_by(self, content: bytes) -> int:
        """Pass on, up to a comma, what nothing is protected in; return how much that is.

        It is faster by far: only what neither begins nor ends in it need be read for where it leads to.
        """
        place = self._places[-1]
        if self._protector.has_rules or self._left_out or not place.has_members:
            return 0
        names = set[bytes]()

        def blank(text: re.Match[bytes]) -> bytes:
            if text[2]:
                names.add(text[1])
            return b"s" * len(text[1]) + (text[2] or b"")

        rest = _STRING.sub(blank, content).partition(b'"')[0]
        end = rest.rfind(b",") + 1
        passes = content[:end]
        known = tuple(sorted({place.name, *map(_name, names)}))
        if not end or may_hold_account_numbers(passes) or not self._protector.leaves(known):
            return 0
        rest = rest[:end]
        for _ in range(_FOLDS):
            rest = _WHOLE.sub(b"0", rest)
        before, found = bytes(self._pending), self.counts.total()
        self._take(rest)
        if self.counts.total() != found:
            # By a name without quotes: what was found is not taken out here.
            refuse("it is no JSON")
        self._pending[:], self._result[:] = b",", before + passes[:-1]
        return end

    def _end(self, held: bytes) -> None:
        rest = held[self._take(held, is_last=True) :]
        self._require_json(is_json=not rest and len(self._places) == 1 and not self._left_out)
        if rest:
            self._token(rest)
        self._result += self._pending
        self._pending.clear()

    def _take(self, content: bytes, *, is_last: bool = False) -> int:
        """Take the tokens that are whole; return where the first begins that may not be."""
        end, length = 0, len(content)
        while end < length:
            token = _TOKEN.match(content, end)
            if token is None:
                break
            if token.end() == length and not is_last and _GOES_ON.match(content, end):
                break
            self._token(token[0])
            end = token.end()
        return end

    def _token(self, token: bytes) -> None:
        first = token[:1]
        place = self._places[-1]
        if self._left_out:
            if len(token) == 1:
                self._left_out += (first in b"[{") - (first in b"]}")
        elif token == b",":
            place.awaits_name = place.is_mapping
            if place.has_members:
                self._pending += token
        elif token == b":" or token.isspace():
            self._pending += token
        elif place.awaits_name and first not in b"[]{}":
            place.name, place.awaits_name = _name(token), False
            self._pending += token
        elif len(token) == 1 and first in b"[{":
            self._open(token)
        elif len(token) == 1 and first in b"]}":
            self._close(token)
        else:
            self._value(token)

    def _open(self, token: bytes) -> None:
        place = self._places[-1]
        begun = _MAPPING if token == b"{" else _LIST
        decided = self._protected(begun)
        if decided != [begun]:
            self._left_out = 1
            self._write(decided)
            return
        if len(self._places) > _DEPTH_LIMIT:
            refuse("a value is nested too deeply")
        self._write_as_it_is(token)
        if begun is _LIST:
            self._places.append(_Place(is_mapping=False, above=place.above, name=place.name))
        else:
            above = f"{place.above}{place.name}." if place.name else place.above
            self._places.append(_Place(is_mapping=True, above=above, awaits_name=True))

    def _close(self, token: bytes) -> None:
        self._require_json(is_json=len(self._places) > 1)
        if len(self._places) > 1:
            self._places.pop()
        self._write_as_it_is(token)

    def _value(self, token: bytes) -> None:
        place = self._places[-1]
        if self._protector.leaves((place.name,), place.above) and (
            len(token) < _HARMLESS_LENGTH or not may_hold_account_numbers(token)
        ):
            self._write_as_it_is(token)
            return
        value = _read(token)
        decided = self._protected(value)
        if decided == [value]:
            self._write_as_it_is(token)
        else:
            self._write(decided)

    def _protected(self, value: Any) -> list[Any]:
        """Return what a value becomes where it stands; nothing where it is left out."""
        place = self._places[-1]
        record = {place.name: value if place.is_mapping else [value]}
        became = [*self._protector.protect(record, above=place.above).values()]
        return became if place.is_mapping or not became else [*became[0]]

    def _write(self, decided: list[Any]) -> None:
        if decided:
            self._write_as_it_is(orjson.dumps(decided[0]))
        else:
            self._pending.clear()

    def _write_as_it_is(self, value: bytes) -> None:
        self._places[-1].has_members = True
        self._result += self._pending
        self._result += value
        self._pending.clear()

    def _looked_at(self) -> bytes:
        result = bytes(self._result)
        self._result.clear()
        return result

    def _require_json(self, *, is_json: bool) -> None:
        if not is_json and self._protector.has_rules:
            refuse("values are protected in it, and it is no JSON")


def _name(token: bytes) -> str:
    return str(_read(token))


def _read(token: bytes) -> Any:
    try:
        return orjson.loads(token)
    except ValueError:
        return token.strip(b'"').decode(errors="replace")
