"""Beginnings: what was decided about a request before it came, by a hold or by whose the data is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.lifecycle import Event, State, advance
from dsr_core.plan import Scope
from dsr_core.registry import Registry
from dsr_intake.application.answering import ended, records
from dsr_intake.application.deciding import command_record
from dsr_intake.model import (
    Beginning,
    DecisionEntry,
    FormedCohort,
    Held,
    Known,
    LegalHold,
    Submission,
)
from dsr_wire.codec.decisions import HoldPlaced

__all__ = ["beginning", "held_systems", "with_commands"]


def beginning(
    submission: Submission,
    *,
    request_id: RequestId,
    client_id: str,
    holds: Sequence[LegalHold],
    registry: Registry,
    letters: bool,
    at: datetime,
) -> Beginning | None:
    """Return what was decided about a request before it came; none where nothing was.

    Data that is a customer's is asked for nowhere, so holds on it are the customer's.
    """
    if submission.controller is not None:
        return _referred(submission, request_id, client_id, letters=letters, at=at)
    covering = [(hold, held_systems(hold, registry)) for hold in holds]
    scopes = [(hold, systems) for hold, systems in covering if systems is not None]
    if not scopes:
        return None
    if not submission.is_attested:
        held = tuple(_held(hold, request_id, systems, None) for hold, systems in scopes)
        awaits = submission.awaits_authority
        state = State.AWAITING_AUTHORITY if awaits else State.AWAITING_IDENTITY
        return Beginning(state=state, held=held)
    return Beginning(
        state=advance(State.RECEIVED, Event.PLACE_HOLD),
        entries=tuple(
            _placed(hold, systems, request_id, revision, at)
            for revision, (hold, systems) in enumerate(scopes, start=1)
        ),
        held=tuple(_held(hold, request_id, systems, at) for hold, systems in scopes),
    )


def held_systems(hold: LegalHold, registry: Registry) -> tuple[SystemId, ...] | None:
    """Return the systems of a registry version that a hold covers: an empty tuple means all of them.

    None where it covers some, and that version has none of those.
    """
    if not hold.system_ids and not hold.categories:
        return ()
    scope = Scope(categories=hold.categories)
    found = tuple(
        sorted(
            one.id
            for one in registry.systems
            if one.id in hold.system_ids or (hold.categories and scope.covers(one))
        )
    )
    return found or None


def with_commands(formed: Iterable[FormedCohort]) -> tuple[FormedCohort, ...]:
    """Return cohorts with the commands of what was decided about their members before they came."""
    return tuple(one if one.members[0].beginning is None else _told(one) for one in formed)


def _told(formed: FormedCohort) -> FormedCohort:
    cohort, start = formed.cohort, formed.members[0].beginning
    if start is None or start.answer is not None:
        return formed
    commands = tuple(
        command_record(
            entry,
            HoldPlaced(held.hold.hold_id, held.system_ids),
            cohort,
            home=cohort.cohort_id,
        )
        for entry, held in zip(start.entries, start.held, strict=False)
    )
    return replace(formed, commands=commands)


def _referred(
    submission: Submission,
    request_id: RequestId,
    client_id: str,
    *,
    letters: bool,
    at: datetime,
) -> Beginning:
    controller, pointer = submission.controller or ("", "")
    entry = DecisionEntry(
        request_id=request_id,
        revision=1,
        kind=Event.REFER.value,
        decided_by=f"client {client_id}",
        reason="the data is a customer's",
        effective_at=at,
        recorded_at=at,
        details={"controller": controller, "pointer": pointer},
    )
    waiting = Known(CohortId(request_id), State.AWAITING_IDENTITY, letters=letters)
    answer = ended(request_id, waiting, Event.REFER, outcome=Outcome.REFERRED, closed_at=at, at=at)
    return Beginning(
        state=answer.state,
        entries=(entry,),
        answer=answer,
        records=tuple(records([answer], (), at=at)),
    )


def _placed(
    hold: LegalHold,
    systems: Sequence[SystemId],
    request_id: RequestId,
    revision: int,
    at: datetime,
) -> DecisionEntry:
    return DecisionEntry(
        request_id=request_id,
        revision=revision,
        kind=Event.PLACE_HOLD.value,
        decided_by=hold.placed_by,
        reason=hold.reason,
        effective_at=at,
        recorded_at=at,
        details={"hold_id": hold.hold_id, "system_ids": list(systems)},
    )


def _held(
    hold: LegalHold,
    request_id: RequestId,
    systems: tuple[SystemId, ...],
    at: datetime | None,
) -> Held:
    return Held(hold=hold, request_id=request_id, system_ids=systems, held_at=at)
