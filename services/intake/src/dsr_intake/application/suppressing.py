"""Suppressing: asking the suppression list, lifting what it has, and telling Kafka of it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import date

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.identity import Identifier, Identity
from dsr_core.suppressions import LISTED_KINDS, Suppression, SuppressionKind
from dsr_intake.application.clock import Clock
from dsr_intake.application.forming import SOURCE
from dsr_intake.model.suppressions import Listed, ListSize, OptIn
from dsr_intake.ports.suppressions import SuppressionStore
from dsr_wire.codec.suppressions import suppression_key, suppression_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.suppression import SuppressionKey
from dsr_wire.topics import SUPPRESSIONS

__all__ = ["Suppressing"]

_EVENTS = uuid.UUID("c2c7ac0f-7d0a-5c4e-9d39-3a1e4ef5b1a6")
"""The namespace of the ids of what is told here: the same entry has the same id for ever."""

_TOGETHER = 500

Publish = Callable[[Sequence[Outgoing]], Awaitable[None]]


class Suppressing:
    """Answers for the list. The first key makes hashes, all find."""

    def __init__(
        self, *, store: SuppressionStore, keys: Sequence[SuppressionKey], clock: Clock
    ) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    async def of_identifiers(self, asked: Sequence[Identifier]) -> list[list[Listed]]:
        """Return what the list has of each identifier, in their order.

        Raises:
            RuleViolation: There is no list here.
            Unavailable: The store is away.
        """
        self._check_offered()
        hashed = [self._digests(one) for one in asked]
        found = await self._store.find(sorted({each for one in hashed for each in one}))
        return [[each for digest in one for each in found.get(digest, ())] for one in hashed]

    async def of_digests(self, asked: Sequence[bytes]) -> list[list[Listed]]:
        """Return what the list has of each digest, in their order; who asks has made them.

        Raises:
            RuleViolation: There is no list here.
            Unavailable: The store is away.
        """
        self._check_offered()
        found = await self._store.find(asked)
        return [list(found.get(one, ())) for one in asked]

    async def sizes(self) -> Sequence[ListSize]:
        """Return how many entries each kind has under each key.

        Raises:
            Unavailable: The store is away.
        """
        return await self._store.sizes()

    async def opt_in(
        self,
        identity: Identity,
        kinds: Sequence[SuppressionKind],
        *,
        by: str,
        reference: str,
        given_on: date,
        reason: str,
    ) -> int:
        """Take somebody off the list who wants it, with the proof of it; return how many entries ended.

        The proof is kept (GDPR article 7(1); 11 CCR 7028 asks for two steps, which are the caller's).

        Raises:
            RuleViolation: There is no list here.
            RejectedInput: The proof is of a day to come, or nothing in the identity can be listed.
            Unavailable: The store is away; nothing was changed.
        """
        self._check_offered()
        now = self._clock()
        if given_on > now.date():
            raise RejectedInput("invalid_proof", "the day has not come", field="given_on")
        listed = identity.only(LISTED_KINDS).identifiers
        if not listed:
            detail = f"the list knows people by {', '.join(LISTED_KINDS)}"
            raise RejectedInput("invalid_proof", detail, field="identity")
        digests = tuple(each for one in listed for each in self._digests(one))
        return await self._store.opt_in(
            OptIn(
                at=now,
                principal=by,
                kinds=tuple(sorted(set(kinds))),
                digests=digests,
                reference=reference,
                given_on=given_on,
            ),
            reason=reason,
        )

    async def tell(self, publish: Publish) -> None:
        """Tell Kafka of what is new or has ended, until there is no more.

        Raises:
            Unavailable: The store or Kafka is away; what was told may be told again.
        """

        async def told(new: Sequence[Suppression], ended: Sequence[Suppression]) -> None:
            await publish([*map(_record, new), *map(_tombstone, ended)])

        while await self._store.tell(told, limit=_TOGETHER) == _TOGETHER:
            pass

    def _check_offered(self) -> None:
        if not self._keys:
            raise RuleViolation("suppressions_not_offered", "there is no suppression list here")

    def _digests(self, one: Identifier) -> list[bytes]:
        return [key.digest(one.kind, one.value) for key in self._keys]


def _record(one: Suppression) -> Outgoing:
    key = suppression_key(one.kind, one.digest)
    return encode(
        suppression_to_wire(one),
        topic=SUPPRESSIONS.name,
        key=key,
        event_id=str(uuid.uuid5(_EVENTS, f"{key}/{one.since.isoformat()}")),
        source=SOURCE,
        at=one.since,
    )


def _tombstone(one: Suppression) -> Outgoing:
    return Outgoing(SUPPRESSIONS.name, suppression_key(one.kind, one.digest).encode(), b"")
