"""Fields of evidence documents, read strictly: each value has one form, and anything else is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from dsr_wire.canonical import moment
from dsr_wire.log.notes import from_base64

__all__ = ["MalformedError", "Reader"]

T = TypeVar("T")


class MalformedError(ValueError):
    """A document is not in its form.

    Attributes:
        part: Where, as `answers[2].path`.
    """

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(f"{part}: {detail}" if part else detail)
        self.part = part
        self.detail = detail


class Reader:
    """Reads one object of a document, and knows where it stands. A missing or wrong field is MalformedError."""

    def __init__(self, value: object, part: str, fields: frozenset[str]) -> None:
        self.part = part
        if not isinstance(value, dict):
            raise MalformedError(part, "must be an object")
        self._value: Mapping[str, Any] = value
        for name in sorted(fields ^ self._value.keys()):
            raise MalformedError(self.at(name), "is missing" if name in fields else "is unknown")

    @classmethod
    def of_version(cls, value: object, part: str, forms: Mapping[int, frozenset[str]]) -> Reader:
        """Return a reader of an object whose fields are those of its version, `v`."""
        version = value.get("v") if isinstance(value, dict) else None
        if type(version) is int and version in forms:
            return cls(value, part, forms[version])
        own = frozenset(value) if isinstance(value, dict) else frozenset()
        unknown = cls(value, part, own | {"v"}).at("v")
        raise MalformedError(unknown, "is a version that this program does not know")

    def at(self, name: str) -> str:
        """Return where a field stands."""
        return f"{self.part}.{name}" if self.part else name

    def raw(self, name: str) -> object:
        """Return a field as it is."""
        found: object = self._value[name]
        return found

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._value[name]
        if not isinstance(value, str):
            raise MalformedError(self.at(name), "must be text")
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a text, or none for null."""
        return None if self._value[name] is None else self.text(name)

    def number(self, name: str) -> int:
        """Return a number that is not below zero."""
        value = self._value[name]
        if type(value) is not int or value < 0:
            raise MalformedError(self.at(name), "must be a whole number from 0")
        return value

    def time(self, name: str) -> datetime:
        """Return a time."""
        return self.parsed(name, moment, "must be a time in UTC, with microseconds")

    def digest(self, name: str) -> bytes:
        """Return a SHA-256."""
        return self.parsed(name, digest, "must be a SHA-256 in lower-case hexadecimal")

    def data(self, name: str) -> bytes:
        """Return bytes."""
        return self.parsed(name, from_base64, "must be base64")

    def parsed(self, name: str, read: Callable[[str], T], detail: str) -> T:
        """Return what a text is read as; a ValueError says that it is wrong."""
        try:
            return read(self.text(name))
        except MalformedError:
            raise
        except ValueError as error:
            raise MalformedError(self.at(name), detail) from error

    def digests(self, name: str) -> tuple[bytes, ...]:
        """Return a list of SHA-256."""
        return tuple(self.each(name, digest, "must be a SHA-256 in lower-case hexadecimal"))

    def datas(self, name: str) -> tuple[bytes, ...]:
        """Return a list of bytes."""
        return tuple(self.each(name, from_base64, "must be base64"))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(self.each(name, str, "must be text"))

    def objects(self, name: str, fields: frozenset[str]) -> list[Reader]:
        """Return a list of objects."""
        return [
            Reader(one, f"{self.at(name)}[{place}]", fields)
            for place, one in enumerate(self._list(name))
        ]

    def each(self, name: str, read: Callable[[str], T], detail: str) -> list[T]:
        """Return what each text of a list is read as; a ValueError says that it is wrong."""
        found: list[T] = []
        for place, one in enumerate(self._list(name)):
            part = f"{self.at(name)}[{place}]"
            if not isinstance(one, str):
                raise MalformedError(part, "must be text")
            try:
                found.append(read(one))
            except ValueError as error:
                raise MalformedError(part, detail) from error
        return found

    def _list(self, name: str) -> list[Any]:
        value = self._value[name]
        if not isinstance(value, list):
            raise MalformedError(self.at(name), "must be a list")
        return value


def digest(text: str) -> bytes:
    """Return the bytes of a SHA-256 in lower-case hexadecimal."""
    raw = bytes.fromhex(text)
    if raw.hex() != text or len(raw) != 32:
        raise ValueError("not a SHA-256")
    return raw
