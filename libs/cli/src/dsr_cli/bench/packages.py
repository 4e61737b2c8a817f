"""A large package for access: handed over by many systems, assembled, and downloaded, and in what memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

import asyncpg
import psutil
import uvloop
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rich.table import Table

from dsr_cli.bench.memory import Memory, watched
from dsr_cli.bench.progress import Bars
from dsr_cli.bench.registry import system_id
from dsr_cli.bench.rig import Rig
from dsr_cli.bench.scripts import SCRIPTS, exporting_specs
from dsr_cli.bench.submitting import PATH, Client
from dsr_cli.bench.waiting import wait_for_count
from dsr_cli.errors import CommandError
from dsr_core.rights import Right

__all__ = ["MEMORY_LIMIT", "PackageReport", "measure_package", "package_table"]

MEMORY_LIMIT = 250_000_000
"""What each process keeps under, in bytes."""

_PIECE = 1024 * 1024
_DONE = 1000
_ROW_BYTES = 150
"""Of a row as `tests/bench/exporting.py` makes it."""
_OTHERS = "select count(*) from verifier.obligations where is_confirmed and system_id <> $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageReport:
    """What one run showed."""

    systems: int
    bytes: int
    """Of the package."""

    rows: int
    """Of each system, beside its file."""

    first_rows: int
    """Of the first system."""

    others_handed_over_s: float
    """Until the answers of all systems but the first were recorded."""

    handed_over_s: float
    assembled_s: float
    downloaded_s: float
    assembly_mb_per_cpu_s: float
    """Megabytes a second of intake's processor time, from the closing until the package was ready."""

    cipher_mb_per_cpu_s: float
    """The same for AES-256-GCM and SHA-256 of as many bytes, in the same run."""

    ratio_to_cipher: float
    resident_mb: dict[str, float]
    """The most that each process has held; of the systems, the one that held most."""

    machine: dict[str, str | int]

    def content(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def measure_package(
    rig: Rig,
    *,
    size: int,
    rows: int,
    first_rows: int,
    machine: dict[str, str | int],
    bars: Bars,
) -> tuple[PackageReport, Memory]:
    """Have every system hand over its share of so many bytes, and fetch the package.

    Raises:
        CommandError: The package was not made, is not what its manifest says, or a process held more than
            `MEMORY_LIMIT`.
    """
    share = size // rig.systems
    systems = exporting_specs(rig, size=share, rows=rows, first_rows=first_rows)
    names = rig.start([*rig.services(), *systems])
    client = rig.api_client()
    with watched() as memory:
        memory.add("intake", _pid(rig, "intake"))
        memory.add("a system", *(_pid(rig, one.name) for one in systems))
        expected = size + _ROW_BYTES * (rows * (rig.systems - 1) + first_rows)
        run = _Run(rig, client, names, memory, bars, expected)
        report = uvloop.run(run.measured(rows=rows, first_rows=first_rows, machine=machine))
    rig.stop(names)
    for name, most in memory.most().items():
        if most > MEMORY_LIMIT:
            raise CommandError(f"{name} has held {most / 1e6:.0f} MB")
    return report, memory


@dataclass(frozen=True, slots=True)
class _Run:
    rig: Rig
    client: Client
    names: list[str]
    memory: Memory
    bars: Bars
    expected: int
    """Roughly how many bytes all systems hand over."""

    async def measured(
        self, *, rows: int, first_rows: int, machine: dict[str, str | int]
    ) -> PackageReport:
        ledger = await asyncpg.connect(self.rig.stack.postgres_dsn())
        try:
            began = time.perf_counter()
            asked = await self.client.submit([uuid.uuid4().hex], concurrency=1, right=Right.ACCESS)
            [request_id] = asked.posted_at

            async def others() -> int:
                answered = await ledger.fetchval(_OTHERS, system_id(1))
                return _DONE * int(answered) // (self.rig.systems - 1)

            if self.rig.systems > 1:
                await self._until("handed over by the others", others)
            by_others = time.perf_counter()

            async def wanted() -> int:
                return int(
                    await ledger.fetchval("select count(*) from intake.packages") or 0
                ) * _DONE or _share(self._store / "exports", self.expected)

            await self._until("handed over", wanted)
            handed_over, cpu = time.perf_counter(), self._intake_cpu()

            async def ready() -> int:
                state = await ledger.fetchval("select state from intake.packages")
                return (
                    _DONE if state == "ready" else _share(self._store / "packages", self.expected)
                )

            await self._until("assembled", ready)
            assembled, cpu = time.perf_counter(), self._intake_cpu() - cpu
        finally:
            await ledger.close()
        path = self.rig.stack.settings.folder("download") / "package.zip"
        await self._download(request_id, path)
        downloaded = time.perf_counter()
        made = path.stat().st_size
        _check(path, self.rig.systems)
        path.unlink()
        alone = _cipher_seconds(made)
        return PackageReport(
            systems=self.rig.systems,
            bytes=made,
            rows=rows,
            first_rows=first_rows,
            others_handed_over_s=round(by_others - began, 1),
            handed_over_s=round(handed_over - began, 1),
            assembled_s=round(assembled - handed_over, 1),
            downloaded_s=round(downloaded - assembled, 1),
            assembly_mb_per_cpu_s=round(made / cpu / 1e6),
            cipher_mb_per_cpu_s=round(made / alone / 1e6),
            ratio_to_cipher=round(alone / cpu, 2),
            resident_mb={name: round(most / 1e6, 1) for name, most in self.memory.most().items()},
            machine=machine,
        )

    @property
    def _store(self) -> Path:
        return self.rig.stack.settings.folder("store")

    def _intake_cpu(self) -> float:
        times = psutil.Process(_pid(self.rig, "intake")).cpu_times()
        return float(times.user + times.system)

    async def _until(self, name: str, count: Callable[[], Any]) -> None:
        with self.bars.bar(name, _DONE) as progress:
            found = await wait_for_count(
                count, _DONE, interval=0.2, on_count=progress, check=self._check
            )
        if found < _DONE:
            raise CommandError(f"the package was never {name}")
        self.memory.mark(name)

    async def _download(self, request_id: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        script = self.rig.stack.settings.checkout / SCRIPTS / "fetching.py"
        url = f"{self.client.url}{PATH}/{request_id}/package/content"
        fetching = await asyncio.create_subprocess_exec(
            *(sys.executable, str(script), url, str(path)),
            env={**os.environ, "DSR_API_KEY": self.client.api_key},
        )
        self.memory.add("the download", fetching.pid)

        async def fetched() -> int:
            if fetching.returncode:
                raise CommandError("the package could not be fetched")
            return _DONE if fetching.returncode == 0 else _share(path.parent, self.expected)

        await self._until("downloaded", fetched)

    def _check(self) -> None:
        self.rig.check(self.names)


def _pid(rig: Rig, name: str) -> int:
    pid = rig.stack.pid(name)
    if pid is None:
        raise CommandError(f"{name} has ended")
    return pid


def _share(folder: Path, size: int) -> int:
    """Return how much of a size lies in a folder, in thousandths; never all of it."""
    found = 0
    for one in folder.rglob("*"):
        with suppress(FileNotFoundError):  # it has got its name meanwhile
            found += one.stat().st_size
    return min(_DONE * found // size, _DONE - 1)


def _check(path: Path, systems: int) -> None:
    with zipfile.ZipFile(path) as package:
        told = json.loads(package.read("manifest.json"))["systems"]
        if [one["status"] for one in told] != ["included"] * systems:
            raise CommandError("a system is missing in the package")
        for file in (each for one in told for each in one["files"]):
            with package.open(file["path"]) as content:
                digest = hashlib.file_digest(cast(BufferedReader, content), "sha256")
            if digest.hexdigest() != file["sha256"]:
                raise CommandError("a file is not what the manifest says")


def _cipher_seconds(size: int) -> float:
    """Return the processor time that encryption and SHA-256 of so many bytes take here."""
    cipher, hashed, piece = AESGCM(bytes(32)), hashlib.sha256(), os.urandom(_PIECE)
    sealed = bytearray(_PIECE + 16)
    begun = time.process_time()
    for number in range(size // _PIECE):
        hashed.update(piece)
        cipher.encrypt_into(number.to_bytes(12, "big"), piece, None, sealed)
    return time.process_time() - begun


def package_table(report: PackageReport) -> Table:
    """Return the report for people."""
    table = Table(title="One package", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    for what, figure in (
        ("systems", f"{report.systems}"),
        ("package", f"{report.bytes / 1e9:.2f} GB"),
        ("rows of the first system", f"{report.first_rows:,}"),
        ("rows of each other system", f"{report.rows:,}"),
        ("handed over by the others in", f"{report.others_handed_over_s} s"),
        ("handed over in", f"{report.handed_over_s} s"),
        ("assembled in", f"{report.assembled_s} s"),
        ("downloaded in", f"{report.downloaded_s} s"),
        ("assembly, by processor time", f"{report.assembly_mb_per_cpu_s:.0f} MB/s"),
        ("encryption and SHA-256 alone", f"{report.cipher_mb_per_cpu_s:.0f} MB/s"),
        ("ratio", f"{report.ratio_to_cipher}"),
        *((f"{name}, at most", f"{most} MB") for name, most in report.resident_mb.items()),
    ):
        table.add_row(what, figure)
    return table
