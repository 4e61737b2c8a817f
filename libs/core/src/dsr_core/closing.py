"""The closing rule: the one function that says whether a subject request is closed.

Counters elsewhere say when to ask it. Nothing else decides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from json.encoder import encode_basestring_ascii as _text
from typing import Any, NamedTuple

from dsr_core.acknowledgements import Acknowledgement, Standing
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition

__all__ = ["FOLLOWED", "Closed", "Obligation", "Open", "Outcome", "closing", "evidence_digest"]


class Outcome(StrEnum):
    """How a closed subject request ended."""

    FULFILLED = "fulfilled"
    PARTLY_FULFILLED = "partly_fulfilled"
    NOT_VERIFIED = "not_verified"
    """Nobody proved who asked, so no system was asked; never the outcome of the closing rule."""

    WITHDRAWN = "withdrawn"
    """The requester took it back."""

    REFUSED = "refused"
    """It is not followed, on a ground that the requester was told."""

    REFERRED = "referred"
    """The data is a customer's, to whom the requester was pointed."""


FOLLOWED = frozenset({Outcome.FULFILLED, Outcome.PARTLY_FULFILLED})
"""How a request ends that systems have followed."""


class Obligation(NamedTuple):
    """What one system owes for one subject request, and where it stands."""

    system_id: SystemId
    standing: Standing


@dataclass(frozen=True, slots=True)
class Closed:
    """Every expected obligation is present and confirmed."""

    outcome: Outcome
    evidence_digest: bytes
    """SHA-256 over the canonical form of the confirming answers, sorted by system."""


@dataclass(frozen=True, slots=True)
class Open:
    """At least one obligation is absent or not confirmed."""

    missing: tuple[SystemId, ...]
    """The systems that have not confirmed, sorted."""

    absent: int
    """How many expected obligations are not present at all."""


_KEPT = frozenset({Disposition.EXEMPT, Disposition.PARTIALLY_EXEMPT, Disposition.REFUSED})


def closing(
    expected: int, obligations: Sequence[Obligation], *, stopping: Outcome | None = None
) -> Closed | Open:
    """Say whether a subject request is closed.

    That it is being stopped makes no obligation end: `standing` is told so, and says which have.

    Args:
        expected: The number of obligations that were opened; at least 1. No system to ask is never
            a reason to close: a rule or a person states that outcome.
        obligations: The obligations present, in any order.
        stopping: How it ends where it is being stopped, whatever its systems had done by then.
    """
    by_system = {one.system_id: one for one in obligations}
    if len(by_system) != len(obligations):
        raise ValueError("one obligation a system")
    missing = tuple(sorted(one.system_id for one in obligations if not one.standing.is_confirmed))
    absent = max(expected - len(obligations), 0)
    if missing or absent or expected < 1 or len(obligations) != expected:
        return Open(missing, absent)
    answers = [_evidence(by_system[system_id].standing) for system_id in sorted(by_system)]
    kept = any(answer.disposition in _KEPT for answer in answers)
    outcome = Outcome.PARTLY_FULFILLED if kept else Outcome.FULFILLED
    return Closed(stopping or outcome, evidence_digest(answers))


def evidence_digest(answers: Sequence[Acknowledgement]) -> bytes:
    """Return the SHA-256 of the canonical form of answers: JSON, sorted keys, UTF-8.

    An answer by two people says who they are, and why.
    """
    text = f"[{', '.join(map(_canonical, answers))}]"
    return hashlib.sha256(text.encode()).digest()


def _canonical(one: Acknowledgement) -> str:
    if one.exemptions or one.settled_by is not None:
        return json.dumps(_fields(one), sort_keys=True)
    # What most answers are, several times faster.
    return (
        f'{{"disposition": {_text(one.disposition.value)}, "exemptions": [], '
        f'"records": {one.records}, "request_id": {_text(one.request_id)}, '
        f'"sequence": {one.sequence}, "system_id": {_text(one.system_id)}}}'
    )


def _fields(one: Acknowledgement) -> dict[str, Any]:
    content: dict[str, Any] = {
        "disposition": one.disposition.value,
        "exemptions": [
            {
                "categories": sorted(exemption.categories),
                "ground": exemption.ground,
                "records": exemption.records,
                "review_at": exemption.review_at.astimezone(UTC).isoformat(),
            }
            for exemption in one.exemptions
        ],
        "records": one.records,
        "request_id": one.request_id,
        "sequence": one.sequence,
        "system_id": one.system_id,
    }
    if one.settled_by is not None:
        content["settled_by"] = {
            "approved_by": one.settled_by.approved_by,
            "proposed_by": one.settled_by.proposed_by,
            "reason": one.reason,
            "revision": one.settled_by.revision,
        }
    return content


def _evidence(standing: Standing) -> Acknowledgement:
    if standing.answer is None:
        raise ValueError("confirmed without an answer")
    return standing.answer
