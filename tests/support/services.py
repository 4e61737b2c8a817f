"""A service as the real process that it is, started by its module and asked over its probes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from support.waiting import eventually

__all__ = ["ServiceProcess", "free_port"]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class ServiceProcess:
    """One process of a service; killed where a test leaves it running."""

    module: str
    settings: dict[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> Self:
        """Start it; returns when it is ready."""
        await self.begin()
        await eventually(self.is_ready, within=60, what=f"readiness of {self.module}")
        return self

    async def begin(self) -> None:
        """Start it, ready or not."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self.module, env=self.environment(), stderr=log
            )

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Kill it if it runs; safe to repeat."""
        if self.process is not None and self.process.returncode is None:
            await self.kill()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self.process is not None
        return self.process.pid

    async def is_ready(self) -> bool:
        """Whether every part is up."""
        return await self.faults() == {}

    async def faults(self) -> dict[str, str] | None:
        """What is down; none where it does not answer."""
        if self.process is not None and self.process.returncode is not None:
            raise AssertionError(f"it has ended: {self.log.read_text()[-3000:]}")
        answer = await self.answer("/readyz")
        if answer is None:
            return None
        faults: dict[str, str] = answer.json()["faults"]
        assert answer.status_code == (503 if faults else 200)
        return faults

    async def answer(
        self, path: str, *, method: str = "GET", token: str | None = None
    ) -> httpx.Response | None:
        """What it answers; none where it does not."""
        headers = {"authorization": f"Bearer {token}"} if token is not None else None
        try:
            async with httpx.AsyncClient(base_url=self.url) as client:
                return await client.request(method, path, headers=headers)
        except httpx.TransportError:
            return None

    async def stop(self) -> float:
        """Ask it to end; return how many seconds it took."""
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert await self.process.wait() == 0, self.log.read_text()[-3000:]
        return time.monotonic() - started

    async def kill(self) -> None:
        """End it as a crash does."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    def environment(self) -> dict[str, str]:
        """What it is told."""
        return {"PATH": os.environ["PATH"], "DSR_HTTP_PORT": str(self.port), **self.settings}
