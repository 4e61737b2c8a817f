"""Replanning: what newer registry versions change for a subject request that is open.

A pure function of the versions, so that whoever asks, and however often, finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dsr_core.ids import SystemId
from dsr_core.plan import Scope, plan
from dsr_core.registry import Registry, System
from dsr_core.rights import Right

__all__ = ["Replan", "Succession", "Version", "heir", "is_let_off", "replan"]

Version = tuple[datetime, Registry]
"""A registry version, with the time of its publication."""


@dataclass(frozen=True, slots=True)
class Succession:
    """One system owes the answer of another, which is retired."""

    retired: SystemId
    heir: System
    since: datetime
    """When the version was published that says so first: what the heir answered before does not count."""


@dataclass(frozen=True, slots=True)
class Replan:
    """What is owed in another way than the first plan says."""

    added: tuple[System, ...] = ()
    """Systems that must answer as well, sorted."""

    removed: tuple[SystemId, ...] = ()
    """Systems that need not, since their organisation had left the group before the request, sorted."""

    successions: tuple[Succession, ...] = ()
    """By the retired system, sorted; of no effect where that was never asked."""

    owing: frozenset[SystemId] = field(default=frozenset(), compare=False)
    """Every system that may owe an answer by now, those that have left the registry included."""

    @property
    def told(self) -> tuple[System, ...]:
        """Everyone whom there is something to tell, sorted."""
        heirs = {one.heir.id: one.heir for one in self.successions}
        return tuple(
            one for _, one in sorted((heirs | {one.id: one for one in self.added}).items())
        )

    def since(self, system_id: str) -> datetime | None:
        """Return since when a system answers for others as well; none where it does for none."""
        times = (one.since for one in self.successions if one.heir.id == system_id)
        return max(times, default=None)


def replan(
    planned: Registry,
    later: Sequence[Version],
    right: Right,
    scope: Scope,
    *,
    received_at: datetime,
) -> Replan:
    """Return what the last of the later versions changes, in all, of what was planned.

    Nobody is let off by leaving the registry, since the data may still be there: only what says where
    the data is now moves an obligation (a successor), or whose it was before anybody asked (a sale).
    Who was taken out by a version in between, and is back, is asked as if it had joined. Where nobody
    would be left, nobody is taken out: that is an outcome for a person to state. A request that names
    its systems follows from the answer of one, and was sealed for it alone: nothing changes for it.

    Args:
        planned: The version that the request pins.
        later: The versions since, the oldest first.
        right: What is asked for.
        scope: What part of the data is meant.
        received_at: When the request was received.
    """
    first = {one.id for one in plan(planned, right, scope, received_at=received_at)}
    if not later or scope.system_ids:
        return Replan(owing=frozenset(first))
    newest = later[-1][1]
    asked = first.union(
        one.id
        for _, version in later[:-1]
        for one in plan(version, right, scope, received_at=received_at)
    )
    successions = tuple(
        Succession(system_id, one, _since(later, system_id, one.id))
        for system_id in sorted(asked)
        if (one := heir(newest, system_id, received_at))
    )
    moved = {one.retired for one in successions}
    removed = {one for one in asked - moved if is_let_off(newest, one, received_at)}
    back = {
        system_id
        for _, version in later[:-1]
        for system_id in first
        if version.heir(system_id) or is_let_off(version, system_id, received_at)
    }
    added = tuple(
        one
        for one in plan(newest, right, scope, received_at=received_at)
        if one.id not in first or one.id in back
    )
    if not (added or successions or asked - removed):
        removed = set()
    more = {*(one.id for one in added), *(one.heir.id for one in successions)}
    owing = frozenset((asked - moved - removed) | more)
    return Replan(added, tuple(sorted(removed)), successions, owing)


def heir(version: Registry, system_id: str, received_at: datetime) -> System | None:
    """Return the system that owes a retired one's answer by a version; else none."""
    one = version.heir(system_id)
    return one if one is not None and not version.has_left(one, received_at) else None


def is_let_off(version: Registry, system_id: str, received_at: datetime) -> bool:
    """Tell whether by a version a system owes nothing: its owner had left the group before the request."""
    system = version.system(system_id)
    return system is not None and version.has_left(system, received_at)


def _since(later: Sequence[Version], system_id: str, heir_id: str) -> datetime:
    """Return when the last run of versions began that name the same heir."""
    since, _ = later[-1]
    for at, version in reversed(later):
        one = version.heir(system_id)
        if one is None or one.id != heir_id:
            break
        since = at
    return since
