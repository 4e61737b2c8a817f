from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from dsr_core.errors import Unavailable
from dsr_intake.adapters.reading import PostgresStateFeed


class FailingPool:
    """A pool whose every statement fails."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    async def fetch(self, *_: Any) -> Any:
        raise self._fault

    async def fetchval(self, *_: Any) -> Any:
        raise self._fault


@pytest.mark.parametrize(
    "fault", [ConnectionRefusedError(), TimeoutError(), asyncpg.AdminShutdownError("going down")]
)
async def test_a_feed_whose_store_is_away_is_unavailable(fault: Exception) -> None:
    feed = PostgresStateFeed(FailingPool(fault))
    with pytest.raises(Unavailable):
        await feed.horizon()
    with pytest.raises(Unavailable):
        await feed.changed_since(0)
    with pytest.raises(Unavailable):
        await feed.owners(["x"])


async def test_a_fault_of_a_statement_stays_a_fault() -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await PostgresStateFeed(FailingPool(asyncpg.UndefinedTableError(""))).horizon()
