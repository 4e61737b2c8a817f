"""Lines of a stream, each of a bounded length, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

__all__ = ["LINE_LIMIT", "TOO_LONG", "lines"]

LINE_LIMIT = 65_536
"""Bytes of one line."""

TOO_LONG = None
"""Stands for a line beyond the limit; its bytes are passed over."""


async def lines(
    stream: AsyncIterator[bytes], limit: int = LINE_LIMIT
) -> AsyncIterator[list[bytes | None]]:
    """Yield the lines that each part of a stream completes, without their ends."""
    rest = b""
    skipping = False
    async for part in stream:
        complete, _, after = part.rpartition(b"\n")
        if len(after) == len(part):
            if not skipping:
                rest += part
                if len(rest) > limit:
                    rest, skipping = b"", True
            continue
        first, *others = complete.split(b"\n")
        found: list[bytes | None] = [TOO_LONG if skipping else _bounded(rest + first, limit)]
        found += [_bounded(line, limit) for line in others]
        rest, skipping = after, False
        if len(rest) > limit:
            rest, skipping = b"", True
        yield found
    if skipping:
        yield [TOO_LONG]
    elif rest:
        yield [_bounded(rest, limit)]


def _bounded(line: bytes, limit: int) -> bytes | None:
    return line if len(line) <= limit else TOO_LONG
