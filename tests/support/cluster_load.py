"""Load through intake's Service, from a pod of its own, while a test changes what is behind it."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.cluster import Cluster
from support.ledger import Ledger
from support.waiting import eventually

__all__ = ["Loaded", "Seen"]

_ALL_PODS = 10
"""Calls in a row that all but certainly reached both pods of a service."""


@dataclass
class Seen:
    """What the one who submits was told."""

    pod: str
    registries: dict[str, str] = field(default_factory=dict)
    """Which registry each request that was accepted is planned by, in that order."""

    refused: list[int | str] = field(default_factory=list)
    """Statuses that are no success, and how connections failed."""

    @property
    def ids(self) -> list[str]:
        """The requests that were accepted."""
        return list(self.registries)


class Loaded:
    """Makes load, and holds every request that was accepted to its closure."""

    def __init__(self, cluster: Cluster, ledger: Ledger) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._numbers = itertools.count(1)
        self.asked: dict[str, Collection[str]] = {}
        """The systems that a registry has, where it is not the one that all begins with."""

    @asynccontextmanager
    async def load(self, *, within: float = 120) -> AsyncIterator[Seen]:
        """Submit until the block ends; all that was accepted is closed then, once, and not falsely."""
        name = f"load-{next(self._numbers)}"
        self._cluster.apply("load.yaml", NAME=name)
        self._cluster.kubectl("wait", f"pod/{name}", "--for=condition=ready", "--timeout=60s")
        seen = Seen(name)
        await self._more(seen)
        try:
            yield seen
            await self._more(seen)
        finally:
            self._cluster.program(name, "-c", "import os; os.kill(1, 15)")
            self._cluster.kubectl(
                "wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"
            )
            self._read(seen)
        for registry in set(seen.registries.values()):
            ids = [one for one, by in seen.registries.items() if by == registry]
            await self._ledger.answered(ids, within=within, systems=self.asked.get(registry))

    async def planned_by(self, seen: Seen, registry: str) -> None:
        """Wait until a registry is in force: the last calls were planned by it, whomever they reached."""

        def is_in_force() -> bool:
            self._read(seen)
            return [*seen.registries.values()][-_ALL_PODS:] == [registry] * _ALL_PODS

        await eventually(is_in_force, within=60, what="requests by the registry that was published")

    async def _more(self, seen: Seen) -> None:
        wanted = len(seen.ids) + 10

        def has_more() -> bool:
            self._read(seen)
            return len(seen.ids) >= wanted

        await eventually(has_more, within=60, what="requests that are accepted")

    def _read(self, seen: Seen) -> None:
        lines = [json.loads(one) for one in self._cluster.kubectl("logs", seen.pod).splitlines()]
        accepted = [one for one in lines if "id" in one]
        seen.registries = {one["id"]: one["registry"] for one in accepted}
        assert len(seen.registries) == len(accepted)
        seen.refused[:] = [one.get("status") or one["fault"] for one in lines if "id" not in one]
