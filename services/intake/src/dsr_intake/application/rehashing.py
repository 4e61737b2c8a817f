"""Rehashing: keyed hashes under the current lookup key, of whom it is still known who they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import structlog

from dsr_core.errors import RejectedInput
from dsr_core.identity import Identity
from dsr_core.ids import OrganisationId, RequestId
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_core.suppressions import SuppressionKind
from dsr_intake.application.clock import Clock
from dsr_intake.application.identity_cipher import Kept, decrypt_kept
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.model import HashCount, HashedAnew, HashedRow, WrappedKey, key_name
from dsr_intake.ports import HashStore, KeyWrapper

__all__ = ["LookupStanding", "Rehashing"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class LookupStanding(NamedTuple):
    """How one lookup key stands."""

    counted: HashCount
    makes: bool
    """Whether new hashes are made with it."""

    is_known: bool
    """Whether it is at hand; what was hashed with one that is not is not found again."""


class Rehashing:
    """Looks after the keys of keyed hashes."""

    def __init__(
        self, *, lookup: LookupKeys, wrapper: KeyWrapper, store: HashStore, clock: Clock
    ) -> None:
        self._lookup = lookup
        self._wrapper = wrapper
        self._store = store
        self._clock = clock

    async def begin(self) -> None:
        """Keep the names of the keys, and name those that were there before and are not at hand.

        Raises:
            Unavailable: The store is away.
        """
        known = [key_name(one) for one in reversed(self._lookup.all)]
        for one in await self._store.note(known, at=self._clock()):
            if one not in known:
                log.error("a lookup key is not at hand", key_id=one)

    async def status(self) -> list[LookupStanding]:
        """Return every lookup key that was ever used, the oldest first.

        Raises:
            Unavailable: The store is away.
        """
        known = {key_name(one) for one in self._lookup.all}
        return [
            LookupStanding(one, one.key_id == self._lookup.name, one.key_id in known)
            for one in await self._store.hashes()
        ]

    async def rehash(self, *, limit: int) -> tuple[int, int]:
        """Make hashes anew; return how many requests that was, and how many are left.

        Raises:
            RejectedInput: The limit is none.
            Unavailable: The store or the key ring is away.
        """
        if limit < 1:
            raise RejectedInput("invalid_field", "the limit is at least 1", field="limit")
        return await self._store.rehash(self._again, key_id=self._lookup.name, limit=limit)

    async def _again(self, rows: Sequence[HashedRow]) -> Sequence[HashedAnew]:
        keys = await self._wrapper.unwrap(
            [
                (RequestId(one.request_id), WrappedKey(one.key.wrapped, one.key.kek_id))
                for one in rows
            ]
        )
        return [self._anew(one, key) for one, key in zip(rows, keys, strict=True)]

    def _anew(self, row: HashedRow, key: bytes) -> HashedAnew:
        kept = decrypt_kept(row.ciphertext, request_id=row.request_id, key=key)
        identity = kept.given
        scope = Scope(
            categories=row.categories,
            organisation_ids=tuple(OrganisationId(one) for one in row.organisation_ids),
            since=row.since,
            uses=tuple(SuppressionKind(one) for one in row.uses),
        )
        person, *_ = self._lookup.persons(identity, Right(row.right), scope)
        return HashedAnew(
            row.request_id, self._lookup.identifiers(identity), person, tuple(self._links(kept))
        )

    def _links(self, kept: Kept) -> Iterator[tuple[bytes, bytes]]:
        for one in {each.link.identifier for each in kept.claims}:
            alone = Identity((one,))
            [current] = self._lookup.identifiers(alone)
            for former in self._lookup.former_identifiers(alone):
                yield former, current
