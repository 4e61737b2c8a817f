"""Bringing the parts of one export to the object store, each once, and none under a nonce twice."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from dsr_core.exports import PART_BYTES
from dsr_core.ids import SystemId
from dsr_sdk.access.journal import BegunExport, ExportJournal, PartName
from dsr_sdk.access.store import ExportStore, StoreAway
from dsr_sdk.obligations import ObligationKey
from dsr_sdk.threads import Threads
from dsr_wire.exports import TAG_BYTES, ExportKey, part_path

__all__ = ["ContentChanged", "Part", "Upload"]

_LOG = logging.getLogger("dsr_sdk")

_LARGE = 256 * 1024
"""What is longer is encrypted in a thread."""

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0


class ContentChanged(Exception):  # noqa: N818 - named for what has happened
    """A part is not what it was when the export began: only another export, under another key, can take it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part in the clear."""

    name: PartName
    content: memoryview


class Upload:
    """Brings parts. What it is about to bring is noted before, so that a crash at any point is harmless.

    Who brings the same part again brings the same bytes, since the key and the nonce are the same; a
    part that was stored is not brought again. Of a part that has other content than was noted nothing
    leaves, whether the former one had left or not.

    What is brought in one go, as most exports are, is not noted: whoever begins it again has another key,
    and what the former has left expires with the package. To note it would be a flush to the disk for
    each person.
    """

    def __init__(
        self,
        begun: BegunExport,
        *,
        obligation: ObligationKey,
        system_id: SystemId,
        store: ExportStore,
        journal: ExportJournal,
        threads: Threads,
        patience: float,
    ) -> None:
        self.key = ExportKey(
            begun.key,
            request_id=obligation.request_id,
            system_id=system_id,
            export_id=begun.export_id,
        )
        self.export_id = begun.export_id
        self._known = dict(begun.parts)
        self._is_noted = bool(begun.parts)
        self._obligation = obligation
        self._system_id = system_id
        self._store = store
        self._journal = journal
        self._threads = threads
        self._patience = patience
        self._buffer: bytearray | None = None

    async def bring(self, parts: Sequence[Part], *, are_last: bool = False) -> None:
        """Have these parts in the store.

        Args:
            parts: The parts; one alone, or such as are shorter than `PART_BYTES`.
            are_last: Whether the answer follows at once; then what is stored need not be noted.

        Raises:
            ContentChanged: One of them is not what was noted of it.
            StoreAway: The store was away for too long. What was noted stays so.
        """
        sealed = {one.name: await self._sealed(one) for one in parts}
        if are_last and not self._is_noted:
            await asyncio.gather(*(self._put(name, one) for name, (one, _) in sealed.items()))
            return
        new: dict[PartName, bytes] = {}
        for name, (_, digest) in sealed.items():
            known = self._known.get(name)
            if known is None:
                new[name] = digest
            elif known.digest != digest:
                raise ContentChanged
        if new:
            self._is_noted = True
            await self._journal.note_parts(self._obligation, self.export_id, self.key.raw, new)
        missing = [name for name in sealed if name in new or not self._known[name].is_stored]
        await asyncio.gather(*(self._put(name, sealed[name][0]) for name in missing))
        if missing and not are_last:
            await self._journal.mark_parts_stored(self.export_id, missing)

    async def _sealed(self, part: Part) -> tuple[memoryview, bytes]:
        if len(part.content) < _LARGE:
            return self._encrypted(part)
        return await self._threads.run(self._encrypted, part)

    def _encrypted(self, part: Part) -> tuple[memoryview, bytes]:
        size = len(part.content) + TAG_BYTES
        if len(part.content) < PART_BYTES:
            buffer = bytearray(size)
        else:  # all but the last are as long, and one is on its way at a time
            buffer = self._buffer = self._buffer or bytearray(size)
        self.key.encrypt_into(*part.name, part.content, buffer)
        return memoryview(buffer), hashlib.sha256(buffer).digest()

    async def _put(self, name: PartName, sealed: memoryview) -> None:
        path = part_path(
            self._obligation.request_id, self._system_id, self.export_id, name.stream, name.number
        )
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._store.put(path, sealed)
            except StoreAway as fault:
                if loop.time() + pause > give_up_at:
                    raise
                _LOG.warning(
                    "request %s: %s; trying again in %g s",
                    self._obligation.request_id,
                    fault,
                    pause,
                )
            else:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
