"""Looking again: which files of systems are looked at for what is never handed over, and by what.

Tables (JSON Lines), JSON and CSV are, whatever their size, and held a little at a time. Other texts,
pictures, archives and the rest are handed over as they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from dsr_core.exports import ExportedFile, ProtectedField, Protection
from dsr_intake.application.packages.columns import ColumnLooker
from dsr_intake.application.packages.documents import DocumentLooker
from dsr_intake.application.packages.tables import TableLooker

__all__ = ["Looker", "is_table", "looker"]

_DOCUMENTS = frozenset({".json", ".jsonl", ".ndjson", ".geojson"})
_COLUMNS = frozenset({".csv", ".tsv"})
_COLUMN_TYPES = frozenset({"text/csv", "text/tab-separated-values"})


class Looker(Protocol):
    """Looks at one file."""

    @property
    def counts(self) -> Counter[Protection]:
        """How many values the system had not protected."""

    def pass_(self, portions: Iterable[memoryview]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the file a portion at a time: as it came, and as it may be handed over.

        Raises:
            RejectedInput: It is to be looked at, and cannot be.
        """


def is_table(file: ExportedFile) -> bool:
    """Tell whether a file holds records, one a line."""
    return file.name.endswith(".jsonl")


def looker(fields: Sequence[ProtectedField], file: ExportedFile) -> Looker | None:
    """Return what looks at a file; none where nothing does."""
    if is_table(file):
        return TableLooker(fields, file)
    ending = PurePosixPath(file.name).suffix.lower()
    media_type = file.media_type.partition(";")[0].strip().lower()
    if ending in _COLUMNS or media_type in _COLUMN_TYPES:
        return ColumnLooker(fields, file)
    if ending in _DOCUMENTS or "json" in media_type:
        return DocumentLooker(fields, file)
    return None
