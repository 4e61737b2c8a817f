"""The keys of requests. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_intake.model import WrappedKey

__all__ = ["KeyWrapper"]


class KeyWrapper(Protocol):
    """Encrypts requests' keys under a key-encryption key that never leaves it.

    Both calls take lists, since a key service is asked over the network.
    """

    async def wrap(self, keys: Sequence[tuple[RequestId, bytes]]) -> list[WrappedKey]:
        """Encrypt keys, each bound to its request; in the order given.

        Raises:
            Unavailable: The key service does not answer.
        """
        ...

    async def unwrap(self, keys: Sequence[tuple[RequestId, WrappedKey]]) -> list[bytes]:
        """Decrypt keys; in the order given.

        Raises:
            Unavailable: The key service does not answer, or does not hold that key-encryption key.
        """
        ...
