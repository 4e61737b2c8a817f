"""Names that no well-meaning client sends."""

from __future__ import annotations

from typing import Any

__all__ = ["BadName"]


class BadName(str):
    """A header's name whose bytes are not UTF-8; aiokafka's writer in Python sends them as they are."""

    __slots__ = ()

    def encode(self, *_arguments: Any) -> bytes:
        """Return the bytes."""
        return b"\xff\xfe"
