"""The key of each request's package: made when its notices are sealed, once."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from dsr_core.ids import RequestId
from dsr_intake.application.clock import Clock
from dsr_intake.model.packages import PackageKey, package_binding
from dsr_intake.ports import KeyWrapper, PackageKeyStore
from dsr_wire.sealing_keys import PrivateSealingKey

__all__ = ["PackageKeys"]


class PackageKeys:
    """Makes the keys of packages, and opens them."""

    def __init__(self, *, store: PackageKeyStore, wrapper: KeyWrapper, clock: Clock) -> None:
        self._store = store
        self._wrapper = wrapper
        self._clock = clock

    async def public(self, request_ids: Sequence[RequestId]) -> dict[RequestId, bytes]:
        """Return the public key of each request's package, made where there is none yet.

        The same whoever asks, and how often: of two that make one at once, one is kept and both give it.

        Raises:
            Unavailable: The store or the ring is away.
        """
        found = await self._store.public(request_ids)
        missing = [one for one in request_ids if one not in found]
        if not missing:
            return found
        await self._store.add(await self._made(missing))
        return found | await self._store.public(missing)

    async def private(self, request_id: RequestId) -> PrivateSealingKey | None:
        """Return the private key of a request's package; none where it is destroyed.

        Raises:
            Unavailable: The store or the ring is away.
        """
        kept = await self._store.key(request_id)
        if kept is None:
            return None
        [raw] = await self._wrapper.unwrap([(package_binding(request_id), kept.private_key)])
        return PrivateSealingKey(raw)

    async def _made(self, request_ids: Sequence[RequestId]) -> list[PackageKey]:
        made_at = self._clock()
        pairs = [(one, X25519PrivateKey.generate()) for one in request_ids]
        wrapped = await self._wrapper.wrap(
            [(package_binding(one), private.private_bytes_raw()) for one, private in pairs]
        )
        return [
            PackageKey(
                request_id=request_id,
                public_key=private.public_key().public_bytes_raw(),
                private_key=key,
                made_at=made_at,
            )
            for (request_id, private), key in zip(pairs, wrapped, strict=True)
        ]
