"""The suppression list, as it is kept and asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from dsr_core.suppressions import SuppressionKind

__all__ = ["NOBODY", "ListSize", "Listed", "OptIn", "Suppressible"]


class Suppressible(NamedTuple):
    """What the list is to have of somebody."""

    digests: tuple[bytes, ...] = ()
    key_id: str | None = None
    """The key that made them; none where there is no list."""


NOBODY = Suppressible()
"""Nobody is to be listed."""


class Listed(NamedTuple):
    """That the list has somebody."""

    kind: SuppressionKind
    since: datetime


class ListSize(NamedTuple):
    """How much the list has of one kind under one key."""

    kind: SuppressionKind
    key_id: str
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OptIn:
    """That somebody wants again what the list forbids, and what shows it."""

    at: datetime
    principal: str
    """Who says so."""

    kinds: tuple[SuppressionKind, ...]
    digests: tuple[bytes, ...]
    reference: str
    """Names the proof in the records of whoever says so."""

    given_on: date
