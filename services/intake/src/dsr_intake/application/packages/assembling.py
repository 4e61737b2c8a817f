"""Assembly: one package from what systems have handed over. Blocking, for a thread; a few parts of memory."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dsr_core.errors import RejectedInput
from dsr_core.exports import Delivery, ExportedFile, ProtectedField, Protection
from dsr_core.ids import RequestId, SystemId
from dsr_intake.application.packages.archive import Archive
from dsr_intake.application.packages.looking import Looker, is_table, looker
from dsr_intake.application.packages.manifest import Beside, SystemPart, file_entry, manifest
from dsr_intake.application.packages.naming import Names, fitting
from dsr_intake.application.packages.pieces import PieceCipher, PieceWriter
from dsr_intake.application.packages.reading import ExportReader, PartMemory
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_intake.application.packages.spreadsheet import SHEET_BYTES, sheet
from dsr_intake.application.packages.tables import TableLooker
from dsr_intake.ports import Fetch, ObjectStore, PartMissing
from dsr_wire.sealing_keys import PrivateSealingKey

__all__ = [
    "Assembly",
    "BadExport",
    "Made",
    "Page",
    "Preview",
    "SystemAssembly",
    "assemble",
    "package_path",
]

_GROWTH = 20
"""So many times as long a file may be where its values are protected: one digit becomes a sentence."""

_PREVIEW_BYTES = 32 * 1024
_PREVIEWS_BYTES = 1024 * 1024
"""So much of all tables together is shown on the page, at most."""


class BadExport(Exception):  # noqa: N818 - a fact about an export
    """What a system has handed over is not what it said. The package is begun again without it.

    Attributes:
        system_id: Whose.
        reason: A code.
        detail: What there is, and what there may be; empty where the code says it all.
        may_come: Whether it may be whole a little later: a part was not there.
    """

    def __init__(
        self, system_id: SystemId, reason: str, detail: str = "", *, may_come: bool = False
    ) -> None:
        said = f"{reason} ({detail})" if detail else reason
        super().__init__(f"the export of {system_id} cannot be used: {said}")
        self.system_id = system_id
        self.reason = reason
        self.detail = detail
        self.may_come = may_come


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemAssembly:
    """One system's part."""

    system_id: SystemId
    told: dict[str, Any]
    """What the manifest says of it, but for its files."""

    delivery: Delivery | None
    """None where it has handed nothing over, or what it has cannot be used."""

    protected: tuple[ProtectedField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What a package is made of."""

    request_id: RequestId
    assembly_id: str
    key: PrivateSealingKey
    at: datetime
    """What its files are dated."""

    told: dict[str, Any]
    """What the manifest says of the request."""

    systems: Sequence[SystemAssembly]
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The beginning of a table, to be shown."""

    path: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class Made:
    """What came of an assembly."""

    path: str
    size: int = 0
    """In the clear."""

    files: int = 0
    manifest_digest: str = ""
    protected_here: Counter[tuple[SystemId, str]] = field(default_factory=Counter)
    """Values that systems should have protected, by system and how."""


Page = Callable[[Assembly, Sequence[SystemPart], Sequence[Preview]], bytes]
"""Makes the page for people."""


def package_path(request_id: RequestId, assembly_id: str = "") -> str:
    """Return where a package lies in the object store; without an assembly, the folder of all of them."""
    folder = f"packages/{request_id}"
    return f"{folder}/{assembly_id}" if assembly_id else folder


def assemble(
    assembly: Assembly, store: ObjectStore, *, page: Page, schema: bytes, signer: ManifestSigner
) -> Made:
    """Write a package; where it fails, nothing of it counts.

    Raises:
        BadExport: What a system has handed over is not what it said.
        Unavailable: The store is away, or full.
    """
    made = Made(path=package_path(assembly.request_id, assembly.assembly_id))
    cipher = PieceCipher(
        assembly.key, request_id=assembly.request_id, assembly_id=assembly.assembly_id
    )
    with store.writing(made.path) as sink:
        out = PieceWriter(sink, cipher)
        with Archive(out, at=assembly.at) as archive:
            writing = _Writing(assembly, store, archive, made)
            parts = [writing.system(one) for one in assembly.systems]
            shown = page(assembly, parts, writing.previews)
            told = dict(assembly.told)
            for name, path, content in (
                ("page", "index.html", shown),
                ("schema", "manifest.schema.json", schema),
            ):
                digest, size = archive.add_whole(path, content)
                told[name] = {"path": path, "sha256": digest, "size": size}
            hashed = hashlib.sha256()
            archive.add("manifest.json", _hashing(manifest(told, parts), hashed), size=0)
            archive.add_whole("manifest.sig", signer.sign(hashed.digest()))
        out.finish()
    made.size = out.size
    made.files = sum(one.files for one in parts)
    made.manifest_digest = hashed.hexdigest()
    return made


class _Writing:
    def __init__(
        self, assembly: Assembly, store: ObjectStore, archive: Archive, made: Made
    ) -> None:
        self._assembly = assembly
        self._store = store
        self._archive = archive
        self._made = made
        self._memory = PartMemory()
        self._beside = Names()
        self.previews: list[Preview] = []
        self._previewed = 0

    def system(self, one: SystemAssembly) -> SystemPart:
        part = SystemPart(one.told)
        if one.delivery is None:
            return part
        try:
            with self._store.reading() as fetch:
                self._export(one, one.delivery, part, fetch)
        except RejectedInput as fault:
            raise BadExport(one.system_id, fault.reason, fault.detail) from fault
        except PartMissing as fault:
            raise BadExport(one.system_id, "part_missing", may_come=True) from fault
        return part

    def _export(
        self, one: SystemAssembly, delivery: Delivery, part: SystemPart, fetch: Fetch
    ) -> None:
        reader = ExportReader(
            delivery,
            self._assembly.key,
            request_id=self._assembly.request_id,
            system_id=one.system_id,
            fetch=fetch,
            memory=self._memory,
        )
        data = _Data(reader.data())
        for file in reader.files():
            path = f"data/{one.system_id}/{fitting(file.name)}"
            looks = looker(one.protected, file)
            hashes = _Hashes()
            taken = data.take(file.size)
            portions: Iterator[bytes | memoryview] = (
                hashes.two(looks.pass_(taken)) if looks else hashes.one(taken)
            )
            room = self._room(file)
            is_small = is_table(file) and file.size <= SHEET_BYTES
            counted = _Counted(portions, max(room, SHEET_BYTES) if is_small else room)
            self._archive.add(path, counted, size=file.size * (_GROWTH if looks else 1))
            if hashes.handed_over.hexdigest() != file.sha256:
                raise RejectedInput("wrong_digest", "a file is not what the index says")
            more = looks.counts if looks else Counter[Protection]()
            is_whole = is_small and len(counted.kept) == counted.size
            table = bytes(counted.kept) if is_whole else b""
            part.add(
                file_entry(
                    file,
                    path,
                    sha256=hashes.written.hexdigest(),
                    size=counted.size,
                    more=more,
                    sheet=self._sheet(one.system_id, file, table),
                    row_schema=self._row_schema(one.system_id, file, looks),
                )
            )
            for how, count in more.items():
                self._made.protected_here[one.system_id, how.value] += count
            if room and counted.kept:
                shown = bytes(counted.kept[:room])
                self._previewed += len(shown)
                self.previews.append(Preview(path=path, content=shown))

    def _sheet(self, system_id: SystemId, file: ExportedFile, table: bytes) -> Beside | None:
        """Write a table once more, for spreadsheets, where it is tabular."""
        portions = sheet(table)
        path = fitting(f"csv/{system_id}/{file.name.removesuffix('.jsonl')}.csv")
        if portions is None or not self._beside.give(path):
            return None
        hashed = hashlib.sha256()
        counted = _Counted(_hashing(portions, hashed), 0)
        self._archive.add(path, counted, size=len(table))
        return Beside(path, hashed.hexdigest(), counted.size)

    def _row_schema(
        self, system_id: SystemId, file: ExportedFile, looks: Looker | None
    ) -> Beside | None:
        """Write the form of a table's records, where they have one."""
        schema = looks.row_schema() if isinstance(looks, TableLooker) else None
        path = fitting(f"schemas/{system_id}/{file.name.removesuffix('.jsonl')}.schema.json")
        if schema is None or not self._beside.give(path):
            return None
        return Beside(path, *self._archive.add_whole(path, schema))

    def _room(self, file: ExportedFile) -> int:
        left = _PREVIEWS_BYTES - self._previewed
        return min(_PREVIEW_BYTES, left) if is_table(file) else 0


class _Data:
    """Cuts a stream into files."""

    def __init__(self, parts: Iterator[memoryview]) -> None:
        self._parts = parts
        self._held = memoryview(b"")

    def take(self, size: int) -> Iterator[memoryview]:
        while size:
            if not self._held:
                held = next(self._parts, None)
                if held is None:
                    raise RejectedInput("wrong_length", "the index tells of more than there is")
                self._held = held
            portion = self._held[:size]
            self._held = self._held[len(portion) :]
            size -= len(portion)
            yield portion


class _Hashes:
    """Hashes a file as it came and as it goes on, once for as long as these are the same."""

    def __init__(self) -> None:
        self.handed_over = hashlib.sha256()
        self.written = self.handed_over

    def one(self, portions: Iterable[memoryview]) -> Iterator[memoryview]:
        return _hashing(portions, self.handed_over)

    def two(self, portions: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
        for before, after in portions:
            if self.written is self.handed_over and after != before:
                self.written = self.handed_over.copy()
            self.handed_over.update(before)
            if self.written is not self.handed_over:
                self.written.update(after)
            yield after


class _Counted:
    """Passes a file on, counts its bytes, and keeps its beginning."""

    def __init__(self, portions: Iterable[bytes | memoryview], room: int) -> None:
        self._portions = portions
        self._room = room
        self.kept = bytearray()
        self.size = 0

    def __iter__(self) -> Iterator[bytes | memoryview]:
        for portion in self._portions:
            self.size += len(portion)
            if len(self.kept) < self._room:
                self.kept += portion[: self._room - len(self.kept)]
            yield portion


def _hashing(portions: Iterable[Any], hashed: Any) -> Iterator[Any]:
    for portion in portions:
        hashed.update(portion)
        yield portion
