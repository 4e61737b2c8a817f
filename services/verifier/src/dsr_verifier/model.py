"""Amendments as the ledger keeps them: what each is called, what became of it, what follows from all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_core.ids import RequestId, SystemId
from dsr_wire.codec.amendments import Amendment
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced
from dsr_wire.terms import KINDS

__all__ = [
    "Breach",
    "Effect",
    "Hold",
    "KeptAmendment",
    "Key",
    "holds",
    "key_of",
]

Key = tuple[RequestId, int, str]
"""What names an amendment: the request, the revision, the kind."""


class Effect(StrEnum):
    """What became of an amendment; none while it waits for its obligations."""

    APPLIED = "applied"
    AFTER_CLOSURE = "after_closure"
    """It came when the request was closed, and changed nothing."""

    UNFIT = "unfit"
    """It could not be applied: it names another home cohort, leaves nobody who must answer, or settles
    with what ends no obligation."""


@dataclass(frozen=True, slots=True)
class KeptAmendment:
    """An amendment with the message that it came in."""

    amendment: Amendment
    value: bytes


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold on a request."""

    hold_id: str
    system_ids: tuple[SystemId, ...]
    """The systems it covers; empty means all of them."""

    placed_at: datetime
    lifted_at: datetime | None
    """None while it stands."""

    def covers(self, system_id: SystemId) -> bool:
        """Tell whether erasure is suspended in a system."""
        return not self.system_ids or system_id in self.system_ids


@dataclass(frozen=True, slots=True)
class Breach:
    """A system has erased what a hold had told it to keep."""

    request_id: RequestId
    system_id: SystemId
    hold_id: str
    sequence: int
    """Of the answer that says so."""

    answered_at: datetime


def key_of(one: Amendment) -> Key:
    """Return what names an amendment."""
    return (one.request_id, one.revision, KINDS[type(one.change)])


def holds(amendments: Iterable[Amendment]) -> list[Hold]:
    """Return every legal hold that amendments speak of, those that were lifted included."""
    known = list(amendments)
    lifted = {
        one.change.hold_id: one.effective_at for one in known if isinstance(one.change, HoldLifted)
    }
    return [
        Hold(
            one.change.hold_id,
            one.change.system_ids,
            one.effective_at,
            lifted.get(one.change.hold_id),
        )
        for one in known
        if isinstance(one.change, HoldPlaced)
    ]
