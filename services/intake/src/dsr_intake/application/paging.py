"""Paging: requests that a store finds in the order of their ids, a page in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar

from dsr_intake.model import RequestView

__all__ = ["each_of"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class _Pages(Protocol[_T_co]):
    """Finds requests, each with what belongs to it."""

    async def __call__(
        self, *, after: str | None, limit: int
    ) -> Sequence[tuple[RequestView, _T_co]]:
        """Return the first of those whose ids come after one, or of all."""
        ...


async def each_of(pages: _Pages[_T], *, at_once: int) -> AsyncIterator[tuple[RequestView, _T]]:
    """Yield everything that is found, each once, of which so many are read at once.

    Raises:
        Unavailable: The store is away; what was yielded stays.
    """
    after: str | None = None
    while True:
        found = await pages(after=after, limit=at_once)
        for one in found:
            yield one
        if len(found) < at_once:
            return
        after = found[-1][0].request_id
