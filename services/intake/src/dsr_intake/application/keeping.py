"""Keeping: how the keys stand that wrap requests' keys, and wrapping anew under another one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import structlog

from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId
from dsr_intake.metrics import Metrics
from dsr_intake.model import KeyCount, WrappedKey, WrappedRow
from dsr_intake.ports import KeyRing, KeyStore, KeyWrapper

__all__ = ["Keeping", "KekStanding", "Progress"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class KekStanding(NamedTuple):
    """How one key-encryption key stands."""

    kek_id: str
    wraps: bool
    """Whether new keys are wrapped under it."""

    is_known: bool
    """Whether it is at hand; what is wrapped under one that is not cannot be sealed."""

    keys: int
    oldest: str | None
    """The request whose key has been wrapped under it for longest."""


class Progress(NamedTuple):
    """How far wrapping anew is."""

    done: int
    """Keys that were wrapped anew by this call."""

    left: int
    """Keys that are still to be wrapped anew."""

    unknown: int
    """Keys that cannot be, since what wraps them is not at hand."""


class Keeping:
    """Looks after the keys of keys."""

    def __init__(
        self, *, ring: KeyRing, wrapper: KeyWrapper, store: KeyStore, metrics: Metrics
    ) -> None:
        self._ring = ring
        self._wrapper = wrapper
        self._store = store
        self._metrics = metrics

    @property
    def source(self) -> str:
        """Where the key-encryption keys come from."""
        return self._ring.source

    async def status(self) -> list[KekStanding]:
        """Return every key-encryption key that is at hand or wraps something; what wraps comes first.

        Raises:
            Unavailable: The ring or the store cannot be read.
        """
        await self._ring.refresh()
        current, known = self._ring.current, self._ring.known
        counts = {one.kek_id: one for one in await self._store.count()}
        self._metrics.keys_unknown.set(_unknown(counts.values(), known))
        none = KeyCount("", 0, "")
        return sorted(
            (
                KekStanding(
                    name,
                    wraps=name == current,
                    is_known=name in known,
                    keys=counts.get(name, none).keys,
                    oldest=counts.get(name, none).oldest or None,
                )
                for name in {*known, *counts}
            ),
            key=lambda one: (not one.wraps, one.kek_id),
        )

    async def look(self) -> None:
        """Read the ring anew, and name what wraps something and is not at hand.

        Raises:
            Unavailable: The ring or the store cannot be read.
        """
        for one in await self.status():
            if not one.is_known:
                log.error("a key-encryption key is not at hand", key_id=one.kek_id, count=one.keys)

    async def renew(self) -> str:
        """Have a new key wrap from now on; return its name. As `KeyRing.renew`."""
        made = await self._ring.renew()
        log.info("another key-encryption key wraps", key_id=made)
        return made

    async def rewrap(self, *, limit: int) -> Progress:
        """Wrap keys anew under the key that wraps now; a crash leaves each as it was or anew.

        Raises:
            RejectedInput: The limit is none.
            Unavailable: The ring or the store is away.
        """
        if limit < 1:
            raise RejectedInput("invalid_field", "the limit is at least 1", field="limit")
        await self._ring.refresh()
        current, known = self._ring.current, self._ring.known
        former = [name for name in known if name != current]
        done = await self._store.rewrap(self._again, under=former, limit=limit)
        counts = await self._store.count()
        left = sum(one.keys for one in counts if one.kek_id in former)
        if done and not left:
            await self._store.clean()
        return Progress(done, left, _unknown(counts, known))

    async def destroy(self, kek_id: str) -> None:
        """Destroy a key-encryption key that wraps nothing. As `KeyRing.destroy`."""
        await self._ring.destroy(kek_id)
        log.info("a key-encryption key was destroyed", key_id=kek_id)

    async def clean(self) -> None:
        """Have the database drop the rows of keys that were destroyed."""
        await self._store.clean()

    async def _again(self, rows: Sequence[WrappedRow]) -> Sequence[WrappedKey]:
        ids = [RequestId(one.request_id) for one in rows]
        wrapped = [WrappedKey(one.wrapped, one.kek_id) for one in rows]
        keys = await self._wrapper.unwrap(list(zip(ids, wrapped, strict=True)))
        return await self._wrapper.wrap(list(zip(ids, keys, strict=True)))


def _unknown(counts: Iterable[KeyCount], known: Sequence[str]) -> int:
    return sum(one.keys for one in counts if one.kek_id not in known)
