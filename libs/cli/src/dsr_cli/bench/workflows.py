"""The workflows of a run, counted in Temporal, and how long their histories are."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from temporalio.client import Client

__all__ = ["Histories", "Workflows"]

_SAMPLE = 10


@dataclass(frozen=True, slots=True)
class Histories:
    """How many events the workflows of a run took."""

    median: int
    most: int


class Workflows:
    """The workflows of one type that have completed since this was made."""

    def __init__(self, client: Client, kind: str, before: int) -> None:
        self._client = client
        self._query = f"WorkflowType = '{kind}' and ExecutionStatus = 'Completed'"
        self._before = before

    @classmethod
    async def since_now(cls, client: Client, kind: str) -> Workflows:
        """Count from now on."""
        found = cls(client, kind, 0)
        found._before = await found.completed()
        return found

    async def completed(self) -> int:
        """Return how many have completed."""
        return (await self._client.count_workflows(self._query)).count - self._before

    async def histories(self, count: int) -> Histories:
        """Return the length of the histories of the newest ones.

        All are looked up in Temporal's index, and a few are fetched and counted, so that the index
        is not taken on trust.
        """
        lengths: list[int] = []
        found = self._client.list_workflows(self._query, page_size=min(count, 1000), limit=count)
        async for one in found:
            length = one.history_length
            if len(lengths) < _SAMPLE:
                handle = self._client.get_workflow_handle(one.id, run_id=one.run_id)
                length = len((await handle.fetch_history()).events)
            lengths.append(length)
        return Histories(round(median(lengths)), max(lengths)) if lengths else Histories(0, 0)
