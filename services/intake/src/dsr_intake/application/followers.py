"""Followers: the requests that follow a closed one, and what systems found that were asked to look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dsr_core.errors import Unavailable
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_intake.model import FollowsWhy, RequestView
from dsr_intake.ports import Ledger, ReadStore

__all__ = ["Follower", "Followers", "Look"]

_SAYS = {Disposition.ABSENT.value: False, Disposition.PRESENT.value: True}


@dataclass(frozen=True, slots=True)
class Look:
    """What a system found when it looked."""

    system_id: SystemId
    at: datetime
    is_back: bool
    records: int
    """How many were there again; of what is gone, how many were erased on the way."""


@dataclass(frozen=True, slots=True)
class Follower:
    """A request that follows a closed one."""

    request: RequestView
    looks: tuple[Look, ...]
    """In the order in which they were recorded; none where no system was asked to look."""


class Followers:
    """Reads what follows requests."""

    def __init__(self, *, reads: ReadStore, ledger: Ledger) -> None:
        self._reads = reads
        self._ledger = ledger

    async def of(self, one: RequestView) -> list[Follower]:
        """Return the requests that follow one, the oldest first.

        Raises:
            Unavailable: The verifier is away, where a system was asked to look.
        """
        found = await self._reads.followers(one.request_id)
        return list(await asyncio.gather(*(self._follower(each) for each in found)))

    async def _follower(self, one: RequestView) -> Follower:
        if one.follows_why is not FollowsWhy.VERIFICATION:
            return Follower(one, ())
        return Follower(one, _looks(await self._ledger.answers(one.request_id)))


def _looks(answers: Sequence[Mapping[str, Any]]) -> tuple[Look, ...]:
    try:
        return tuple(
            Look(
                SystemId(one["system_id"]),
                datetime.fromisoformat(one["answered_at"]),
                _SAYS[one["disposition"]],
                one["records"],
            )
            for one in answers
            if one["disposition"] in _SAYS
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the verifier's answers cannot be read") from error
