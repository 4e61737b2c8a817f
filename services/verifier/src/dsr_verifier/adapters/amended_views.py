"""What readers see of a request's amendments, and of the holds and breaches that follow from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from dsr_core.ids import OrganisationId, SystemId
from dsr_verifier.adapters.amendments import amendment_of
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.model import Effect, holds
from dsr_verifier.views import Document
from dsr_wire.codec.amendments import Amendment, Change, DueDateMoved, LeftCohort, PlanChanged
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, ObligationSettled, Stopped
from dsr_wire.terms import KINDS, Owing, owing

__all__ = ["Amended", "read_amended", "settled_by_value"]

_AMENDMENTS = """
select value, recorded_at, effect, effect_at from verifier.amendments
where request_id = $1 order by revision, recorded_at
"""
_BREACHES = """
select system_id, hold_id, sequence, answered_at, recorded_at from verifier.breaches
where request_id = $1 order by answered_at, system_id
"""


@dataclass(frozen=True, slots=True)
class Amended:
    """The parts of a request's document that tell how it was amended."""

    amendments: list[Document]
    holds: list[Document]
    breaches: list[Document]
    owing: Owing

    def answers_for(self, system_id: str, answered: Mapping[str, asyncpg.Record]) -> list[Document]:
        """Return the retired systems that one answers for as well, each with its own last answer."""
        return [
            {
                "system_id": one.retired,
                "since": one.since,
                "disposition": row["disposition"] if row else None,
                "answered_at": row["answered_at"] if row else None,
            }
            for one in self.owing.before(SystemId(system_id))
            for row in [answered.get(one.retired)]
        ]


async def read_amended(
    connection: Connection, request_id: str, opened: Mapping[SystemId, OrganisationId]
) -> Amended:
    """Return how a request was amended; every amendment, those without effect included.

    Args:
        connection: The database.
        request_id: The request.
        opened: Who had to answer at first.
    """
    rows = await connection.fetch(_AMENDMENTS, request_id)
    known = [(amendment_of(row["value"]), row) for row in rows]
    applied = [one for one, row in known if row["effect"] == Effect.APPLIED]
    return Amended(
        [_amendment(one, row) for one, row in known],
        [
            {
                "hold_id": one.hold_id,
                "system_ids": one.system_ids,
                "placed_at": one.placed_at,
                "lifted_at": one.lifted_at,
            }
            for one in holds(applied)
        ],
        [_breach(row) for row in await connection.fetch(_BREACHES, request_id)],
        owing(opened, applied),
    )


def settled_by_value(text: str | None, reason: str | None) -> Document | None:
    """Return who answered in place of a system, and why, from its columns."""
    return None if text is None else {**json.loads(text), "reason": reason or ""}


def _amendment(one: Amendment, row: asyncpg.Record) -> Document:
    return {
        "revision": one.revision,
        "kind": KINDS[type(one.change)],
        "cohort_id": one.cohort_id,
        "amended_at": one.amended_at,
        "effective_at": one.effective_at,
        "recorded_at": row["recorded_at"],
        "effect": row["effect"],
        "effect_at": row["effect_at"],
        "change": _change(one.change),
    }


def _change(change: Change) -> Document:
    match change:
        case LeftCohort(to_cohort_id):
            return {"to_cohort_id": to_cohort_id}
        case DueDateMoved(due_at):
            return {"due_at": due_at}
        case Stopped(outcome):
            return {"outcome": outcome.value}
        case PlanChanged():
            return _plan(change)
        case HoldPlaced() | HoldLifted() | ObligationSettled():
            return _by_people(change)


def _plan(change: PlanChanged) -> Document:
    return {
        "registry_digest": change.registry_digest,
        "added": [system_id for system_id, _ in change.added],
        "removed": list(change.removed),
        "successions": [
            {"retired": one.retired, "successor": one.successor, "since": one.since}
            for one in change.successions
        ],
    }


def _by_people(change: HoldPlaced | HoldLifted | ObligationSettled) -> Document:
    match change:
        case HoldPlaced(hold_id, system_ids):
            return {"hold_id": hold_id, "system_ids": list(system_ids)}
        case HoldLifted(hold_id):
            return {"hold_id": hold_id}
        case ObligationSettled():
            return {
                "system_id": change.system_id,
                "disposition": change.disposition.value,
                "proposed_by": change.proposed_by,
                "approved_by": change.approved_by,
                "reason": change.reason,
            }


def _breach(row: asyncpg.Record) -> Document:
    return {
        "system_id": row["system_id"],
        "hold_id": str(row["hold_id"]),
        "sequence": row["sequence"],
        "answered_at": row["answered_at"],
        "recorded_at": row["recorded_at"],
    }
