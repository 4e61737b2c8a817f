"""The port to the journal of exports: what was brought to the object store under which key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from dsr_sdk.obligations import ObligationKey
from dsr_wire.exports import Stream

__all__ = ["BegunExport", "ExportJournal", "NotedPart", "PartName"]


class PartName(NamedTuple):
    """Names a part of an export."""

    stream: Stream
    number: int


@dataclass(frozen=True, slots=True)
class NotedPart:
    """What is known of a part that was to be brought to the store."""

    digest: bytes
    """SHA-256 of what lies in the store, or will."""

    is_stored: bool


@dataclass(frozen=True, slots=True)
class BegunExport:
    """An export that no answer has told of yet."""

    export_id: str
    key: bytes = field(repr=False)
    parts: Mapping[PartName, NotedPart]


@runtime_checkable
class ExportJournal(Protocol):
    """Durable memory of exports that have begun; an outcome store that has it can hand over by streaming.

    It holds the keys of exports, so it is as secret as the system's own keys. Saving an outcome that
    has ended (`OutcomeState.CONFIRMED` or `STOPPED`) makes the journal forget its export and the key,
    in the same transaction. Every write is durable when the call returns. Methods raise
    `dsr_core.errors.Unavailable` where the journal is away.
    """

    async def begun_export(self, key: ObligationKey) -> BegunExport | None:
        """Return the export of an obligation that has begun, or none."""

    async def note_parts(
        self,
        key: ObligationKey,
        export_id: str,
        export_key: bytes,
        digests: Mapping[PartName, bytes],
    ) -> None:
        """Note what these parts will be, before any of them leaves.

        Another export of the obligation is forgotten, its key with it.
        """

    async def mark_parts_stored(self, export_id: str, names: Sequence[PartName]) -> None:
        """Note that these parts lie in the store."""
