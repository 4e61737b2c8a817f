"""Leaves: what the log says about one fact: its kind, its digest, and when. Never an id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_wire import merkle
from dsr_wire.canonical import moment, read_canonical, timestamp

__all__ = ["Kind", "Leaf"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"at", "digest", "kind", "v"}


class Kind(StrEnum):
    """What a leaf's digest is of."""

    CLOSURE = "closure"
    """The statement of a subject request that was closed."""

    AUDIT = "audit"
    """An entry of the audit log."""

    REGISTRY = "registry"
    """A version of the registry."""

    RULES = "rules"
    """A version of the rules."""

    SYSTEM_KEYS = "system_keys"
    """A `SystemKeys` message as it was published."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the log."""

    kind: Kind
    digest: str
    """SHA-256 in hexadecimal."""

    at: datetime
    """When the fact was recorded, not when the leaf was appended."""

    def __post_init__(self) -> None:
        """Refuse what is no digest, and a time without its zone."""
        if not _DIGEST.fullmatch(self.digest):
            raise ValueError("a leaf's digest is a SHA-256 in lower-case hexadecimal")
        if self.at.tzinfo is None:
            raise ValueError("a leaf's time needs its time zone")

    def data(self) -> bytes:
        """Return the leaf's bytes, canonical JSON: what is hashed, and what an entry bundle holds."""
        # Written out, since no field can hold what JSON escapes, and every closure passes here.
        at, digest, kind = timestamp(self.at), self.digest, self.kind.value
        return f'{{"at":"{at}","digest":"{digest}","kind":"{kind}","v":1}}'.encode()

    def hash(self) -> bytes:
        """Return the leaf's hash in the tree."""
        return merkle.leaf_hash(self.data())

    @classmethod
    def read(cls, data: bytes) -> Leaf:
        """Read what `data` wrote.

        Raises:
            ValueError: The bytes are no leaf, or not in its one form.
        """
        document = read_canonical(data)
        if not isinstance(document, dict) or set(document) != _FIELDS:
            raise ValueError("a leaf has kind, digest, at and v")
        if type(document["v"]) is not int or document["v"] != 1:
            raise ValueError("unknown version of a leaf")
        if not all(isinstance(document[one], str) for one in ("at", "digest", "kind")):
            raise ValueError("a leaf's kind, digest and at are text")
        return cls(Kind(document["kind"]), document["digest"], moment(document["at"]))
