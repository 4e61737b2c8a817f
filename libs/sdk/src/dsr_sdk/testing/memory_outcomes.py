"""An outcome store in memory, for tests. It forgets at the process's end, so it is for nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dsr_core.errors import Unavailable
from dsr_sdk.access.journal import BegunExport, NotedPart, PartName
from dsr_sdk.obligations import ObligationKey
from dsr_sdk.outcomes import Outcome, OutcomeState

__all__ = ["MemoryOutcomeStore"]

_ENDED = (OutcomeState.CONFIRMED, OutcomeState.STOPPED)


class MemoryOutcomeStore:
    """Outcomes in a dictionary."""

    def __init__(self) -> None:
        self.outcomes: dict[ObligationKey, Outcome] = {}
        self.exports: dict[ObligationKey, BegunExport] = {}
        self.is_away = False
        """Set it to have every call raise `Unavailable`."""

    async def open(self) -> None:
        """Do nothing."""
        self._check()

    async def close(self) -> None:
        """Do nothing; what is known stays."""

    async def find(self, keys: Sequence[ObligationKey]) -> Mapping[ObligationKey, Outcome]:
        """Look up, as the port says."""
        self._check()
        return {key: self.outcomes[key] for key in keys if key in self.outcomes}

    async def begin(self, begun: Sequence[tuple[ObligationKey, str]]) -> None:
        """Mark as asked, as the port says."""
        self._check()
        for key, notice_id in begun:
            asked = OutcomeState.ASKED
            former = self.outcomes.get(key) or Outcome(key=key, notice_id=notice_id, state=asked)
            self.outcomes[key] = replace(former, notice_id=notice_id, state=asked)

    async def save(self, outcomes: Sequence[Outcome]) -> None:
        """Replace, as the port says."""
        self._check()
        self.outcomes.update({one.key: one for one in outcomes})
        for one in outcomes:
            if one.state in _ENDED:
                self.exports.pop(one.key, None)

    async def due(self, at: datetime, limit: int) -> Sequence[Outcome]:
        """Return what is due, as the port says."""
        self._check()
        waiting = [
            (one.retry_at, one) for one in self.outcomes.values() if one.retry_at is not None
        ]
        return [one for when, one in sorted(waiting, key=lambda pair: pair[0]) if when <= at][
            :limit
        ]

    async def next_retry_at(self) -> datetime | None:
        """Return the earliest retry, as the port says."""
        self._check()
        waiting = (one.retry_at for one in self.outcomes.values() if one.retry_at is not None)
        return min(waiting, default=None)

    async def unsent(self, limit: int) -> Sequence[Outcome]:
        """Return what is marked unsent, as the port says."""
        self._check()
        return [one for one in self.outcomes.values() if one.is_unsent][:limit]

    async def mark_sent(self, outcomes: Sequence[Outcome]) -> None:
        """Take marks away, as the port says."""
        self._check()
        for one in outcomes:
            now = self.outcomes.get(one.key)
            if now is not None and now.sequence == one.sequence:
                self.outcomes[one.key] = replace(now, is_unsent=False)

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete what ended before then, as the port says."""
        self._check()
        old = [
            (one.recorded_at, one.key)
            for one in self.outcomes.values()
            if one.state in _ENDED and not (one.is_unsent or one.is_suspended) and one.recorded_at
        ]
        forgotten = [key for at, key in sorted(old) if at < before][:limit]
        for key in forgotten:
            del self.outcomes[key]
        return len(forgotten)

    async def begun_export(self, key: ObligationKey) -> BegunExport | None:
        """Return what has begun, as the port says."""
        self._check()
        return self.exports.get(key)

    async def note_parts(
        self,
        key: ObligationKey,
        export_id: str,
        export_key: bytes,
        digests: Mapping[PartName, bytes],
    ) -> None:
        """Note parts, as the port says."""
        self._check()
        former = self.exports.get(key)
        known = former.parts if former is not None and former.export_id == export_id else {}
        new = {name: NotedPart(digest, is_stored=False) for name, digest in digests.items()}
        self.exports[key] = BegunExport(export_id, export_key, {**known, **new})

    async def mark_parts_stored(self, export_id: str, names: Sequence[PartName]) -> None:
        """Note what is stored, as the port says."""
        self._check()
        for key, one in self.exports.items():
            if one.export_id == export_id:
                stored = {name: replace(one.parts[name], is_stored=True) for name in names}
                self.exports[key] = replace(one, parts={**one.parts, **stored})

    def _check(self) -> None:
        if self.is_away:
            raise Unavailable("the outcome store is away")
