"""Facts: what has happened to one subject request, as far as its dates go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

__all__ = ["Fact", "FactKind", "in_order"]


class FactKind(StrEnum):
    """What happened. The order here is the order of facts of the same moment."""

    RECEIVED = "received"
    """The person's request arrived, by whichever channel."""

    IDENTITY_PROVEN = "identity_proven"
    CLARIFICATION_ASKED = "clarification_asked"
    """The person was asked what exactly is meant, since nothing can be done without knowing."""

    CLARIFICATION_GIVEN = "clarification_given"
    EXTENSION_DECIDED = "extension_decided"
    """It was decided that the answer comes later. It moves nothing: the person has to be told."""

    EXTENSION_NOTIFIED = "extension_notified"
    """The person was told of an extension, with its reasons."""

    EXTENSION_CAME_BACK = "extension_came_back"
    """What told the person of an extension came back: they were not told. Its moment is that of the
    telling that came to nothing, whenever that was learnt."""

    REFUSED = "refused"
    """The person was told that the request is not followed, or not wholly."""

    APPEALED = "appealed"
    """The person asked that a refusal be reviewed."""

    ANSWERED = "answered"
    """The person has the answer."""


_ORDER = {kind: place for place, kind in enumerate(FactKind)}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened, at a moment; when we learnt of it is the ledger's concern."""

    kind: FactKind
    effective_at: datetime
    """When it happened, in UTC. A fact moves only dates that lie after it."""

    def __post_init__(self) -> None:
        """Tell the moment in UTC: two moments of one zone compare by its clocks, which go back."""
        if self.effective_at.tzinfo is None:
            raise ValueError("a fact's moment needs an offset")
        object.__setattr__(self, "effective_at", self.effective_at.astimezone(UTC))


def in_order(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return distinct facts in the order in which they happened, however they arrived."""
    by_place = {(one.effective_at, _ORDER[one.kind]): one for one in facts}
    return tuple(by_place[place] for place in sorted(by_place))
