"""Lookup keys: keyed hashes by which a person, or an idempotency key, is found again.

The first key makes what is kept. The former ones find what was kept before: of whoever is gone nothing
is left to make another hash of, so a former key stays for as long as its hashes are kept.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from dsr_core.identity import Identity
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_intake.model import KeyTag, key_name

__all__ = ["LookupKeys"]


@dataclass(frozen=True, slots=True, repr=False)
class LookupKeys:
    """The keys of keyed hashes. Never shown: it has no text of its own."""

    current: bytes
    former: tuple[bytes, ...] = ()

    @property
    def all(self) -> tuple[bytes, ...]:
        """Every key, the current one first."""
        return (self.current, *self.former)

    @property
    def name(self) -> str:
        """The name of the current key, which is kept with the hashes that it makes."""
        return key_name(self.current)

    def identifiers(self, identity: Identity) -> tuple[bytes, ...]:
        """Return the hash of each identifier under the current key."""
        return _identifiers(self.current, identity)

    def former_identifiers(self, identity: Identity) -> tuple[bytes, ...]:
        """Return the hash of each identifier under each former key."""
        return tuple(one for key in self.former for one in _identifiers(key, identity))

    def is_of(self, hashes: Iterable[bytes], identity: Identity) -> bool:
        """Tell whether hashes that were kept are those of an identity, under one of the keys."""
        kept = frozenset(hashes)
        return any(kept == frozenset(_identifiers(key, identity)) for key in self.all)

    def persons(self, identity: Identity, right: Right, scope: Scope) -> tuple[bytes, ...]:
        """Return the hash of who asks for what, under each key, the current one first."""
        named = sorted({(one.kind, one.value) for one in identity.identifiers})
        parts = (
            "person",
            right.value,
            ",".join(sorted(scope.categories)),
            ",".join(sorted(scope.organisation_ids)) + _limits(scope),
            *(part for pair in named for part in pair),
        )
        return tuple(_keyed(key, *parts) for key in self.all)

    def tag(self, caller: str, key: str, content: bytes) -> KeyTag:
        """Return an idempotency key and what it was sent with, as keyed hashes.

        A caller may put anything into a key, and the plain hash of a content would let its
        identifiers be guessed after the request's own key is destroyed.
        """
        (current, bound), *former = (
            (_keyed(one, "idempotency-key", caller, key), hmac.digest(one, content, "sha256"))
            for one in self.all
        )
        return KeyTag(current, bound, tuple(former))


def _limits(scope: Scope) -> str:
    """Return what hashes have had no part for; nothing where nothing is so limited, as before."""
    since = f";since={scope.since.isoformat()}" if scope.since is not None else ""
    return since + (f";uses={','.join(sorted(scope.uses))}" if scope.uses else "")


def _identifiers(key: bytes, identity: Identity) -> tuple[bytes, ...]:
    return tuple(_keyed(key, "identifier", one.kind, one.value) for one in identity.identifiers)


def _keyed(key: bytes, *parts: str) -> bytes:
    return hmac.digest(key, "\x00".join(parts).encode(), "sha256")
