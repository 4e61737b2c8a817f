"""Parts: one organisation's notice, cut where it would be too large for a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dsr_wire.codec.notices import SealedIdentity, SystemNotice

__all__ = ["Part", "parts_of"]

_ENTRY_OVERHEAD = 16
_SYSTEM_OVERHEAD = 64
"""Tags and lengths around an identity, and around a system with its id, rounded up."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a notice."""

    first: int
    """The position in the cohort of the first request that the part stands for."""

    last: int
    systems: tuple[SystemNotice, ...]
    begins_at: str | None = None
    """The first system, where the systems of a single request had to be parted."""


def parts_of(
    systems: Sequence[SystemNotice], positions: Mapping[str, int], limit: int
) -> Iterator[Part]:
    """Yield what to send to one organisation: one part if it fits, else one for each run of requests.

    Args:
        systems: The systems of the organisation, none without identities.
        positions: The requests that were worked through, each with its position in the cohort.
        limit: The bytes that a part may have.
    """
    first, last = min(positions.values()), max(positions.values())
    if _size(systems) <= limit:
        yield Part(first, last, tuple(systems))
        return
    sizes = dict.fromkeys(range(first, last + 1), 0)
    for one in systems:
        for identity in one.identities:
            sizes[positions[identity.request_id]] += _size_of(identity)
    room = limit - sum(_overhead(one) for one in systems)
    begin, size = first, 0
    for position in range(first, last + 1):
        if position > begin and size + sizes[position] > room:
            yield from _run(systems, positions, begin, position - 1, limit)
            begin, size = position, 0
        size += sizes[position]
    yield from _run(systems, positions, begin, last, limit)


def _run(
    systems: Sequence[SystemNotice],
    positions: Mapping[str, int],
    first: int,
    last: int,
    limit: int,
) -> Iterator[Part]:
    """Yield a run of requests; several parts only where the run is one request too large by itself."""
    kept: list[SystemNotice] = []
    size, begins_at = 0, None
    for one in systems:
        identities = tuple(
            identity
            for identity in one.identities
            if first <= positions[identity.request_id] <= last
        )
        if not identities:
            continue
        system = replace(one, identities=identities)
        if first == last and kept and size + _size((system,)) > limit:
            yield Part(first, last, tuple(kept), begins_at or kept[0].system_id)
            kept, size, begins_at = [], 0, one.system_id
        kept.append(system)
        size += _size((system,))
    if kept:
        yield Part(first, last, tuple(kept), begins_at)


def _size(systems: Sequence[SystemNotice]) -> int:
    return sum(
        _overhead(one) + sum(_size_of(identity) for identity in one.identities) for one in systems
    )


def _overhead(system: SystemNotice) -> int:
    return len(system.sealed_key) + len(system.key_id) + _SYSTEM_OVERHEAD


def _size_of(identity: SealedIdentity) -> int:
    return len(identity.sealed) + len(identity.request_id) + _ENTRY_OVERHEAD
