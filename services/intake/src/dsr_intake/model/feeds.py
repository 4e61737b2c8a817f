"""What feeds of changes are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dsr_core.ids import RequestId
from dsr_core.lifecycle import State

__all__ = ["LedgerChange", "Owner", "StateChangeRow", "Twin"]


class Owner(NamedTuple):
    """Whose a request is, and by where its law is: what says who sees it."""

    client_id: str
    jurisdiction: str


@dataclass(frozen=True, slots=True)
class StateChangeRow:
    """A request is in another state since a revision."""

    revision: int
    request_id: RequestId
    owner: Owner
    state: State
    outcome: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Twin:
    """A request that is answered with another one, and so goes on as that does."""

    request_id: RequestId
    client_id: str
    repeats: RequestId


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """A change that the verifier's ledger reports."""

    cursor: str
    request_id: str
    system_id: str | None
    disposition: str | None
    is_confirmed: bool
    at: str
