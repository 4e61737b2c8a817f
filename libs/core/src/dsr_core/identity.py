"""Identifiers and identities: the personal values that name a data subject.

A value of this module never shows itself: `repr` and `str` are redacted, so that no log line, error
message or test report can hold one by accident.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dsr_core.errors import RejectedInput

__all__ = ["IDENTIFIER_KINDS", "Identifier", "Identity", "normalised"]

_VALUE_LIMIT = 320
_SHORTEST = 5
"""A value that is shorter stands in any text by chance, and is not looked for."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_NO_NUMBERS = bytes(set(_NO_DIGITS) - set(b"+\n"))

_SPACING = re.compile(r"(?<=\d)[ \t./()-]+(?=\d)")
"""What people put between the parts of a number."""


def _plain(value: str) -> str:
    return value.strip()


def _lower(value: str) -> str:
    return value.strip().lower()


def _digits(value: str) -> str:
    value = value.strip()
    digits = value.encode("ascii", "ignore").translate(None, _NO_DIGITS).decode()
    return f"+{digits}" if value.startswith("+") else digits


def _compact(value: str) -> str:
    return re.sub(r"[\s-]", "", value).upper()


IDENTIFIER_KINDS: dict[str, Callable[[str], str]] = {
    "account_id": _plain,
    "cookie_id": _plain,
    "customer_number": _compact,
    "device_id": _lower,
    "email": _lower,
    "government_id": _compact,
    "ip_address": _lower,
    "phone": _digits,
    "username": _plain,
}
"""The kinds of identifier, each with the function that brings a value into the form it is compared in."""


def _lower_lines(lines: str) -> bytes:
    return _utf8(lines.lower())


def _digits_lines(lines: str) -> bytes | None:
    if not lines.isascii() or lines.count("+") != f"\n{lines}".count("\n+"):
        return None
    return lines.encode().translate(None, _NO_NUMBERS)


def _utf8(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


_TOGETHER: dict[Callable[[str], str], Callable[[str], bytes | None]] = {
    _plain: _utf8,
    _lower: _lower_lines,
    _digits: _digits_lines,
}
"""The same for many values, one a line and stripped already; none where they must be looked at one by one."""


def normalised(kind: str, values: Iterable[str]) -> list[bytes]:
    """Return many values of one kind in the form they are compared in, as UTF-8, in their order.

    Nothing is refused: what cannot be of that kind comes out as it would alone.

    Raises:
        KeyError: There is no such kind of identifier.
    """
    normalise, rows = IDENTIFIER_KINDS[kind], list(values)
    if together := _TOGETHER.get(normalise):
        lines = together("\n".join(map(str.strip, rows)))
        found = [] if lines is None else lines.split(b"\n")
        # A value with a line's end in it makes more lines than there are values.
        if len(found) == len(rows):
            return found
    return [_utf8(normalise(value)) for value in rows]


_SHAPES: dict[str, re.Pattern[str]] = {
    "email": re.compile(r"[^@\s]+@[^@\s]+"),
    "phone": re.compile(r"\+?[0-9]{5,15}"),
    "ip_address": re.compile(r"[0-9a-f.:]{3,45}"),
}


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """One (kind, value) pair, normalised."""

    kind: str
    value: str

    def __repr__(self) -> str:
        """Show the kind and hide the value."""
        return f"Identifier({self.kind}=…)"

    @classmethod
    def of(cls, kind: str, value: str) -> Identifier:
        """Make an identifier from what a caller sent.

        Raises:
            RejectedInput: The kind is unknown or the value cannot be one of that kind.
        """
        normalise = IDENTIFIER_KINDS.get(kind)
        if normalise is None:
            known = ", ".join(sorted(IDENTIFIER_KINDS))
            raise RejectedInput("unknown_identifier_kind", f"known kinds are {known}", field="kind")
        if len(value) > _VALUE_LIMIT or _CONTROL.search(value):
            detail = f"at most {_VALUE_LIMIT} characters, none of them a control character"
            raise RejectedInput("invalid_identifier", detail, field="value")
        normalised = normalise(value)
        shape = _SHAPES.get(kind)
        if not normalised or (shape is not None and shape.fullmatch(normalised) is None):
            raise RejectedInput("invalid_identifier", f"this cannot be a {kind}", field="value")
        return cls(kind, normalised)


@dataclass(frozen=True, slots=True)
class Identity:
    """The set of identifiers that names one data subject, sorted and without repeats."""

    identifiers: tuple[Identifier, ...]

    @classmethod
    def of(cls, identifiers: Iterable[Identifier]) -> Identity:
        """Make an identity; order and repeats do not matter."""
        return cls(tuple(sorted(set(identifiers), key=lambda one: (one.kind, one.value))))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds present, sorted."""
        return tuple(sorted({one.kind for one in self.identifiers}))

    def only(self, kinds: Iterable[str]) -> Identity:
        """Keep the identifiers of the given kinds, so that a system sees no more than it needs."""
        wanted = frozenset(kinds)
        return Identity(tuple(one for one in self.identifiers if one.kind in wanted))

    def first(self, kind: str) -> str | None:
        """Return the value of the first identifier of a kind, or none."""
        return next((one.value for one in self.identifiers if one.kind == kind), None)

    def is_named_in(self, *texts: str) -> bool:
        """Tell whether a text holds one of the values, in upper or lower case, or spaced otherwise.

        A value counts where no letter or digit goes on before or after it.
        """
        joined = "\n".join(texts).casefold()
        if not joined.strip():
            return False
        forms = (joined, _SPACING.sub("", joined))
        values = {one.value.casefold() for one in self.identifiers if len(one.value) >= _SHORTEST}
        return any(
            re.search(rf"(?<!\w){re.escape(one)}(?!\w)", form) for one in values for form in forms
        )

    def values(self, kind: str) -> tuple[str, ...]:
        """Return every value of a kind."""
        return tuple(one.value for one in self.identifiers if one.kind == kind)
