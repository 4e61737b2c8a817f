"""Events: what is told of a request, and where in time each stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from dsr_core.errors import RejectedInput
from dsr_core.lifecycle import State
from dsr_intake.model import LedgerChange, StateChangeRow

__all__ = [
    "Event",
    "Position",
    "ledger_events",
    "obligation_event",
    "reset_event",
    "state_event",
    "state_events",
]

_POSITION = re.compile(r"(\d{1,18})\.([A-Za-z0-9_:-]{0,64})")


class Position(NamedTuple):
    """Where a listener is: in the changes of state, and in the verifier's feed."""

    revision: int
    cursor: str
    """Empty while the verifier has not been reached."""

    def __str__(self) -> str:
        return f"{self.revision}.{self.cursor}"

    @classmethod
    def of(cls, text: str) -> Position:
        """Read what an event's id says.

        Raises:
            RejectedInput: No event has such an id.
        """
        matched = _POSITION.fullmatch(text)
        if matched is None:
            raise RejectedInput("invalid_last_event_id", "Last-Event-ID is not an id of an event")
        return cls(int(matched[1]), matched[2])


@dataclass(frozen=True, slots=True)
class Event:
    """What is told, once, to everyone whom it concerns."""

    kind: str
    request_id: str
    data: bytes
    position: Position
    ends: bool = False
    """Whether nothing more will be told of this request."""

    def __bytes__(self) -> bytes:
        return b"event: %b\nid: %b\ndata: %b\n\n" % (
            self.kind.encode(),
            str(self.position).encode(),
            self.data,
        )


def ledger_events(changes: Iterable[LedgerChange], revision: int) -> list[Event]:
    """Make events of what the ledger reports."""
    return [
        Event(
            "ledger" if one.system_id is None else "obligation",
            one.request_id,
            _data(one),
            Position(revision, one.cursor),
        )
        for one in changes
    ]


def _data(one: LedgerChange) -> bytes:
    content: dict[str, Any] = {
        "request_id": one.request_id,
        "system_id": one.system_id,
        "disposition": one.disposition,
        "is_confirmed": one.is_confirmed,
        "at": one.at or None,
    }
    return orjson.dumps(content)


def state_events(changes: Sequence[StateChangeRow], revision: int, cursor: str) -> list[Event]:
    """Make events; within one transaction all but the last bear the position before it.

    Whoever is cut off in its middle is then told the whole of it again, and never too little.
    """
    events: list[Event] = []
    for n, one in enumerate(changes):
        is_last = n + 1 == len(changes) or changes[n + 1].revision != one.revision
        if is_last:
            revision = one.revision
        events.append(state_event(one, Position(revision, cursor)))
    return events


def reset_event(position: Position) -> Event:
    """Make the event that says that an unknown number was missed; what follows is told from here on."""
    return Event("reset", "", b"{}", position)


def obligation_event(request_id: str, obligation: dict[str, Any], position: Position) -> Event:
    """Make the event that says what a system has answered, from the ledger's document."""
    change = LedgerChange(
        position.cursor,
        request_id,
        obligation.get("system_id"),
        obligation.get("disposition"),
        bool(obligation.get("is_confirmed")),
        str(obligation.get("recorded_at") or ""),
    )
    return Event("obligation", request_id, _data(change), position)


def state_event(one: StateChangeRow, position: Position) -> Event:
    """Make the event that says in which state a request is."""
    content = {
        "request_id": one.request_id,
        "state": one.state.value,
        "outcome": one.outcome,
        "at": one.at,
    }
    data = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    return Event("state", one.request_id, data, position, ends=one.state is State.ANSWERED)
