"""An object store that speaks S3 for real, as a process; and a way to it that breaks."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from dsr_cli.stack.settings import StackSettings
from support.parts import ROOT
from support.services import free_port
from support.waiting import eventually

__all__ = ["BUCKET", "BreakingWay", "S3Server", "built_versitygw"]

BUCKET = "exports-of-the-group"

_MODULE = ROOT / "tests" / "servers" / "s3"
_ACCESS, _SECRET = "test", "test-secret"


def built_versitygw() -> Path:
    """Build versitygw, an S3 server over a folder, unless that was done; pinned in tests/servers/s3."""
    beside = Path(sys.executable).with_name("go")
    go = str(beside) if beside.exists() else shutil.which("go")
    if go is None:
        pytest.skip("versitygw is built with Go, which is not installed")
    pinned = hashlib.sha256((_MODULE / "go.sum").read_bytes()).hexdigest()[:16]
    tools = StackSettings.from_environment(ROOT).cache_dir / "tools"
    program = tools / f"versitygw-{pinned}"
    if program.exists():
        return program
    tools.mkdir(parents=True, exist_ok=True)
    new = tools / f".versitygw-{os.getpid()}"
    subprocess.run(
        (go, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(new),
         "github.com/versity/versitygw/cmd/versitygw"),
        cwd=_MODULE,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"},
        check=True,
        timeout=600,
    )  # fmt: skip
    new.replace(program)
    return program


@dataclass
class S3Server:
    """A running versitygw; what it was given survives its restart."""

    program: Path
    folder: Path
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    before: Sequence[str] = ()
    """What stands before its command, as `on_small_disk` makes it."""

    secret: str = _SECRET
    """Who has another one is refused, with 403."""

    async def start(self) -> Self:
        self.bucket.mkdir(parents=True, exist_ok=True)
        with (self.folder / "s3.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(*self.before, str(self.program)),
                *("--port", f"127.0.0.1:{self.port}", "--quiet", "--region", "us-east-1"),
                *("posix", "--nometa", str(self.folder / "objects")),
                env={"ROOT_ACCESS_KEY": _ACCESS, "ROOT_SECRET_KEY": self.secret},
                stdout=log,
                stderr=log,
            )
        await eventually(self._listens, within=20, what="versitygw")
        return self

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def halt(self, *, halted: bool) -> None:
        """Have it stand still, or go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP if halted else signal.SIGCONT)

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What a client finds in its environment.

        Args:
            port: Another way to it.
        """
        return {
            "AWS_ACCESS_KEY_ID": _ACCESS,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port or self.port}",
            "AWS_ALLOW_HTTP": "true",
            "DSR_STORE_URL": f"s3://{BUCKET}/store",
        }

    def objects(self) -> dict[str, bytes]:
        """What lies there, by path."""
        return {path: (self._root / path).read_bytes() for path in self.paths()}

    def paths(self) -> list[str]:
        """The path of each object."""
        root = self._root
        found = [one for one in root.rglob("*") if one.is_file()]
        return sorted(one.relative_to(root).as_posix() for one in found)

    def written_at(self) -> dict[str, int]:
        """When each object was written."""
        return {path: (self._root / path).stat().st_mtime_ns for path in self.paths()}

    def unfinished(self) -> list[str]:
        """What uploads in parts have left that nobody has completed: no listing of objects shows it."""
        found = (self.bucket / ".sgwtmp").rglob("*")
        return sorted(one.name for one in found if one.is_file())

    @property
    def bucket(self) -> Path:
        """The folder of the bucket; as the server sees it, where it has a disk of its own."""
        folder = self.folder / "objects" / BUCKET
        if self.process is None or not self.before:
            return folder
        return Path(f"/proc/{self.process.pid}/root", *folder.parts[1:])

    @property
    def _root(self) -> Path:
        return self.bucket / "store"

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


class BreakingWay:
    """A way to a server that breaks after so many bytes, or takes no more of them."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self.breaks_after: int | None = None
        """Bytes from clients, of all connections together; then the connection is cut, once."""

        self.is_stuck_after: int | None = None
        """Bytes from clients; then nothing goes on."""

        self.is_stuck = False
        self.carried = 0
        self.broke = 0

    @property
    def connections(self) -> int:
        """How many connections are carried, in both directions."""
        return sum(not one.done() for one in self._carrying)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Cut every connection that there is."""
        going = list(self._carrying)
        self._carrying.clear()
        for one in going:
            one.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            there, onward = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        back = asyncio.create_task(_copy(there, writer))
        self._carrying.add(back)
        try:
            while data := await reader.read(65536):
                if self.is_stuck_after is not None and self.carried >= self.is_stuck_after:
                    self.is_stuck = True
                    await asyncio.Event().wait()
                if self.breaks_after is not None and self.carried + len(data) > self.breaks_after:
                    onward.write(data[: max(0, self.breaks_after - self.carried)])
                    self.breaks_after, self.broke = None, self.broke + 1
                    return
                self.carried += len(data)
                onward.write(data)
                await onward.drain()
        except OSError:
            pass
        finally:
            back.cancel()
            for one in (writer, onward):
                one.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
