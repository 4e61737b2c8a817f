"""Disputing: which of the identifiers that systems found speak of somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dsr_core.identity import Identifier, Identity
from dsr_core.ids import RequestId
from dsr_core.linking import LinkReason
from dsr_core.resolving import Confidence
from dsr_core.rights import RIGHTS
from dsr_intake.application.identity_cipher import Kept
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.model import RequestView
from dsr_intake.ports.links import LinkStore
from dsr_wire.suppression import SuppressionKey

__all__ = ["Dispute", "Disputing"]


@dataclass(frozen=True, slots=True)
class Dispute:
    """What is known of the identifiers that systems found for one request."""

    own: tuple[bytes, ...]
    """The keyed hashes of what the person gave, under every key."""

    hashes: Mapping[bytes, Identifier]
    """Those of what was found, under every key."""

    against: Mapping[Identifier, LinkReason]
    """The identifiers that speak of somebody else."""

    sharing: Sequence[tuple[bytes, RequestId]]
    """Which of them systems found for other open persons too, whether or not that speaks against them."""

    def named(self, identifiers: Iterable[Identifier]) -> tuple[bytes, ...]:
        """Return the keyed hashes of some of the identifiers, under every key."""
        wanted = frozenset(identifiers)
        return tuple(key for key, one in self.hashes.items() if one in wanted)

    def shared(self, named: Iterable[bytes]) -> frozenset[bytes]:
        """Return which of some keyed hashes other open persons have as well."""
        return frozenset(key for key, _ in self.sharing) & frozenset(named)


class Disputing:
    """Looks among all other persons for the identifiers of one."""

    def __init__(
        self,
        *,
        store: LinkStore,
        lookup: LookupKeys,
        suppression_keys: Sequence[SuppressionKey],
    ) -> None:
        self._store = store
        self._lookup = lookup
        self._keys = suppression_keys

    async def look(self, one: RequestView, kept: Kept) -> Dispute:
        """Return what speaks against the identifiers that systems have found for a request.

        What was found for another open person speaks against it, but where a mistake is slight: two who
        opt out may have one device, and both are served.

        Raises:
            Unavailable: The store is away.
        """
        own = self._under_every_key(kept.given)
        found = {each.link.identifier for each in kept.claims}
        hashes = {key: each for each in found for key in self._under_every_key(Identity((each,)))}
        digests = {key.digest(each.kind, each.value): each for each in found for key in self._keys}
        if not hashes:
            return Dispute(own, {}, {}, ())
        reasons = await self._store.against(one.request_id, own, list(hashes), list(digests))
        sharing = await self._store.sharing(one.request_id, own, list(hashes))
        heeded = sharing if RIGHTS[one.right].links is Confidence.VERIFIED else ()
        named = hashes | digests
        against = {hashes[key]: LinkReason.ANOTHER_PERSON for key, _ in heeded}
        against |= {named[key]: reason for key, reason in reasons.items()}
        return Dispute(own, hashes, against, sharing)

    def _under_every_key(self, identity: Identity) -> tuple[bytes, ...]:
        return (*self._lookup.identifiers(identity), *self._lookup.former_identifiers(identity))
