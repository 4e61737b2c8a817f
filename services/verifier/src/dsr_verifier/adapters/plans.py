"""Plans: who must answer, stored once for all the requests that share it, and cached for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

import asyncpg

from dsr_core.ids import OrganisationId, SystemId
from dsr_verifier.adapters import statements

__all__ = ["Connection", "Plan", "Plans", "plan_id"]

Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
"""As text, since asyncpg's classes take parameters in its stubs only."""

_CACHED = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """Who must answer, by the registry version that says so."""

    registry_digest: str
    systems: Mapping[SystemId, OrganisationId]
    """Who must answer, with the owner, sorted."""

    looks_again: frozenset[SystemId] = frozenset()
    """Who has to look again after an erasure."""

    phases: Mapping[SystemId, int] = field(default_factory=dict)
    """The phase of each system that is not in the first."""


def plan_id(plan: Plan) -> UUID:
    """Return the id of a plan: a digest of its content, so that it never changes."""
    lines = [
        plan.registry_digest,
        *(f"{one} {owner}" for one, owner in plan.systems.items()),
        # Nothing where it does not matter: plans from before keep their ids.
        *sorted(plan.looks_again),
        *(f"{one} in {phase}" for one, phase in sorted(plan.phases.items())),
    ]
    return UUID(bytes=hashlib.sha256("\n".join(lines).encode()).digest()[:16])


class Plans:
    """Reads plans, and remembers them."""

    def __init__(self) -> None:
        self._known: dict[UUID, Plan] = {}

    async def get(self, connection: Connection, ids: Collection[UUID]) -> Mapping[UUID, Plan]:
        """Return the plans of these ids."""
        missing = [one for one in ids if one not in self._known]
        if missing:
            if len(self._known) > _CACHED:
                self._known.clear()
                missing = list(ids)
            for row in await connection.fetch(statements.PLANS, missing):
                owners = zip(row["system_ids"], row["organisation_ids"], strict=True)
                self._known[row["plan_id"]] = Plan(
                    row["registry_digest"],
                    {SystemId(system): OrganisationId(owner) for system, owner in owners},
                    frozenset(map(SystemId, row["looks_again"])),
                    _phases(row),
                )
        return self._known

    @staticmethod
    async def add(connection: Connection, plans: Mapping[UUID, Plan]) -> None:
        """Write plans, if they are not there."""
        await connection.executemany(
            statements.ADD_PLANS,
            [
                (
                    key,
                    plans[key].registry_digest,
                    list(plans[key].systems),
                    list(plans[key].systems.values()),
                    sorted(plans[key].looks_again),
                    _column(plans[key]),
                )
                for key in sorted(plans)
            ],
        )


def _phases(row: asyncpg.Record) -> dict[SystemId, int]:
    if row["phases"] is None:
        return {}
    numbered = zip(row["system_ids"], row["phases"], strict=True)
    return {SystemId(one): phase for one, phase in numbered if phase}


def _column(plan: Plan) -> list[int] | None:
    """Return the phases in the order of the systems; null where there is but one."""
    return [plan.phases.get(one, 0) for one in plan.systems] if plan.phases else None
