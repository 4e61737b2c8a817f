"""A plan as people look at it: who is asked for a right, in which phase, and why not before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dsr_core.phases import Precedence, Why, phases, precedences
from dsr_core.plan import Scope, plan
from dsr_core.registry import Registry, System
from dsr_core.rights import Right

__all__ = ["Planned", "planned"]

_REASONS = {
    Why.RESOLVES: "{after} needs what {before} finds out",
    Why.COPIES: "{after} would fill {before} again",
    Why.DECLARED: "{after} says that it comes after {before}",
    Why.POLICY: "the organisation of {after} has processors go first",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with its order."""

    registry: Registry
    right: Right
    kinds: tuple[str, ...]
    phases: tuple[tuple[System, ...], ...]
    order: tuple[Precedence, ...]

    def reason(self, one: Precedence) -> str:
        """Say in words why one system comes after another."""
        return _REASONS[one.why].format(before=one.before, after=one.after)

    def as_json(self) -> dict[str, Any]:
        """Return it as a document: `phases` in their order, each a list of systems, and `order`."""
        return {
            "registry_digest": self.registry.digest,
            "right": self.right.value,
            "identifiers": list(self.kinds),
            "phases": [
                [
                    {
                        "system_id": one.id,
                        "organisation_id": one.organisation_id,
                        "identifiers": list(one.identifiers),
                    }
                    for one in phase
                ]
                for phase in self.phases
            ],
            "order": [
                {
                    "before": one.before,
                    "after": one.after,
                    "why": one.why.value,
                    "reason": self.reason(one),
                }
                for one in self.order
            ],
        }


def planned(registry: Registry, right: Right, scope: Scope, kinds: Iterable[str]) -> Planned:
    """Return who is asked today for a right and a scope, of a person known by some kinds of identifier."""
    systems = plan(registry, right, scope, received_at=datetime.now(UTC))
    at_hand = tuple(sorted(set(kinds)))
    return Planned(
        registry,
        right,
        at_hand,
        phases(registry, systems, right, at_hand),
        precedences(registry, systems, right, at_hand),
    )
