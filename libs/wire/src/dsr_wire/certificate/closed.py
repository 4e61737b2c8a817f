"""Checks of the closing: amendments agree with the statement, and the closing rule says the same again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from google.protobuf.message import DecodeError

from dsr_contracts.v1 import obligations_pb2
from dsr_core.closing import Closed, Obligation, closing
from dsr_core.errors import RejectedInput
from dsr_core.ids import OrganisationId, SystemId
from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.report import Check, failed, good
from dsr_wire.certificate.signed import Answers
from dsr_wire.certificate.statement import Statement
from dsr_wire.codec.amendments import (
    Amendment,
    Change,
    DueDateMoved,
    LeftCohort,
    PlanChanged,
    amendment_from_wire,
)
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, ObligationSettled, Stopped
from dsr_wire.terms import owing, stands

__all__ = ["check_amendments", "check_closing"]

C = TypeVar("C", bound=Change)


def check_amendments(certificate: Certificate, read: list[Amendment]) -> Iterator[Check]:
    """Yield the checks of what people decided, and fill in what it says."""
    statement = certificate.statement
    named, shown = statement.amendments, certificate.amendments
    if len(named) != len(shown):
        why = f"the statement names {len(named)} amendments, the file has {len(shown)}"
        yield failed("amendments", why)
    for place, (digest, value) in enumerate(zip(named, shown, strict=False)):
        part = f"amendments[{place}]"
        try:
            one = _amendment(statement, digest, value)
        except (RejectedInput, DecodeError, _NotStatedError) as error:
            yield failed(part, str(error))
            continue
        read.append(one)
        yield good(part, f"revision {one.revision}, of {one.effective_at:%Y-%m-%d}: {_words(one)}")
    yield from _consequences(statement, read)


def check_closing(
    statement: Statement, answers: Answers, amendments: Sequence[Amendment]
) -> Iterator[Check]:
    """Yield the check that the closing rule, over what is in the file, closes the request as stated."""
    stopping = statement.stopping
    systems = [one.system_id for one in statement.obligations]
    if len(set(systems)) != len(systems):
        yield failed("statement.obligations", "one system stands twice")
        return
    owed = owing(_opened(statement), amendments)
    obligations = [
        Obligation(
            system_id,
            stands(
                owed,
                amendments,
                system_id,
                answers.of.get(system_id, ()),
                right=statement.right,
                stopping=stopping is not None,
                looks_again=system_id in statement.looks_again,
            ),
        )
        for system_id in systems
    ]
    result = closing(statement.expected, obligations, stopping=stopping)
    if not isinstance(result, Closed):
        missing = ", ".join(result.missing) or f"{result.absent} systems that are not named"
        yield failed("statement", f"the closing rule says open: {missing} did not confirm")
    elif result.outcome is not statement.outcome:
        yield failed("statement.outcome", f"the closing rule says {result.outcome}")
    elif result.evidence_digest != statement.evidence_digest:
        yield failed("statement.evidence_digest", "the closing rule rests on other answers")
    else:
        asked = f"{len(systems)} system{'s' if len(systems) > 1 else ''}"
        words = f"the closing rule over {asked} says `{result.outcome}` again, on the same evidence"
        yield good("statement.outcome", words)


class _NotStatedError(ValueError):
    """An amendment is not one that the statement names."""


def _amendment(statement: Statement, digest: bytes, value: bytes) -> Amendment:
    if hashlib.sha256(value).digest() != digest:
        raise _NotStatedError("the statement names another amendment")
    one = amendment_from_wire(obligations_pb2.ObligationsAmended.FromString(value))
    if (one.request_id, one.cohort_id) != (statement.request_id, statement.home_cohort_id):
        raise _NotStatedError("it amends another request")
    return one


def _words(one: Amendment) -> str:
    match one.change:
        case LeftCohort():
            words = "the request went on by itself"
        case DueDateMoved(due_at):
            words = f"due {due_at:%Y-%m-%d}"
        case PlanChanged(_, added, removed, successions):
            joined = ", ".join(system for system, _ in added) or "none"
            words = f"systems that joined: {joined}; that left: {', '.join(removed) or 'none'}"
            words += "".join(f"; {one.successor} answers for {one.retired}" for one in successions)
        case Stopped(outcome):
            words = f"stopped as `{outcome}`"
        case HoldPlaced():
            words = "a legal hold was placed"
        case HoldLifted():
            words = "a legal hold was lifted"
        case ObligationSettled() as change:
            two = f"{change.proposed_by} and {change.approved_by}, two people,"
            words = f"{two} answered `{change.disposition}` for {change.system_id}"
    return words


def _consequences(statement: Statement, amendments: Sequence[Amendment]) -> Iterator[Check]:
    """Yield what does not follow from the amendments as the statement says it does."""
    stops = _changes(amendments, Stopped)
    if statement.stopping != (stops[0].outcome if stops else None):
        yield failed(
            "statement.stopping", "no amendment says that it ends so, or one says otherwise"
        )
    dates = _changes(amendments, DueDateMoved)
    if dates and dates[-1].due_at != statement.due_at:
        yield failed("statement.due_at", "the last amendment of the date says another")
    left = _changes(amendments, LeftCohort)
    if statement.cohort_id != (left[-1].to_cohort_id if left else statement.home_cohort_id):
        yield failed("statement.cohort_id", "the request did not leave its cohort for that one")
    plans = _changes(amendments, PlanChanged)
    if plans and plans[-1].registry_digest != statement.registry_digest:
        yield failed("statement.registry_digest", "the last amendment of the plan says another")
    asked = statement.asked
    if asked and not plans and asked.registry_digest != statement.registry_digest:
        why = "the plan was made from another version, and no amendment changes it"
        yield failed("statement.asked", why)
    if (statement.opened is None) != (not statement.amendments):
        yield failed("statement.opened", "is named where something was amended, and only there")
    planned = {one.system_id: one.organisation_id for one in statement.obligations}
    if owing(_opened(statement), amendments).systems != planned:
        why = "who had to answer at first, and the changes of plan, make others"
        yield failed("statement.obligations", why)


def _opened(statement: Statement) -> Mapping[SystemId, OrganisationId]:
    if statement.opened is not None:
        return statement.opened
    return {one.system_id: one.organisation_id for one in statement.obligations}


def _changes(amendments: Sequence[Amendment], kind: type[C]) -> list[C]:
    return [one.change for one in amendments if isinstance(one.change, kind)]
