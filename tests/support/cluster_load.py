"""Load through intake's Service, from a pod of its own, while a test changes what is behind it."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.cluster import Cluster
from support.ledger import Ledger
from support.waiting import eventually

__all__ = ["Loaded", "Seen"]


@dataclass
class Seen:
    """What the one who submits was told."""

    ids: list[str] = field(default_factory=list)
    refused: list[int | str] = field(default_factory=list)
    """Statuses that are no success, and how connections failed."""


class Loaded:
    """Makes load, and holds every request that was accepted to its closure."""

    def __init__(self, cluster: Cluster, ledger: Ledger) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def load(self, *, within: float = 120) -> AsyncIterator[Seen]:
        """Submit until the block ends; all that was accepted is closed then, once, and not falsely."""
        name = f"load-{next(self._numbers)}"
        self._cluster.apply("load.yaml", NAME=name)
        self._cluster.kubectl("wait", f"pod/{name}", "--for=condition=ready", "--timeout=60s")
        seen = Seen()
        await self._more(name, seen)
        try:
            yield seen
            await self._more(name, seen)
        finally:
            self._cluster.program(name, "-c", "import os; os.kill(1, 15)")
            self._cluster.kubectl(
                "wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"
            )
            self._read(name, seen)
        assert len(set(seen.ids)) == len(seen.ids)
        await self._ledger.answered(seen.ids, within=within)

    async def _more(self, name: str, seen: Seen) -> None:
        wanted = len(seen.ids) + 10

        def has_more() -> bool:
            self._read(name, seen)
            return len(seen.ids) >= wanted

        await eventually(has_more, within=60, what="requests that are accepted")

    def _read(self, name: str, seen: Seen) -> None:
        lines = [json.loads(one) for one in self._cluster.kubectl("logs", name).splitlines()]
        seen.ids[:] = [one["id"] for one in lines if "id" in one]
        seen.refused[:] = [one.get("status") or one["fault"] for one in lines if "id" not in one]
