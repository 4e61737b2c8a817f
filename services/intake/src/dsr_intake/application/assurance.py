"""Assurance: how surely it must be proven who asks, for the data that a request reaches."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from dsr_core.law.proofs import Level, Method, Needed, accepted
from dsr_core.law.rules import Regime
from dsr_core.plan import Scope, at_or_below, plan
from dsr_core.registry import Registry
from dsr_core.rights import Right

__all__ = ["is_ever_lacking", "needed"]


def is_ever_lacking(regime: Regime, method: Method, level: Level) -> bool:
    """Tell whether a proof may be too little for some data; where not, no data need be looked at."""
    return any(
        method not in one.accepts or not level.reaches(one.level) for one in regime.assurance
    )


def needed(
    regime: Regime,
    registry: Registry,
    right: Right,
    scope: Scope,
    kinds: Collection[str],
    *,
    received_at: datetime,
) -> Needed:
    """Return how sure it must be who asks.

    Args:
        regime: The regime that applies.
        registry: The version of the registry that is asked by.
        right: What is asked for.
        scope: Of which data.
        kinds: The kinds of identifier that the request names the person by.
        received_at: When it came.
    """
    known_by = set(kinds)
    categories = {
        category
        for system in plan(registry, right, scope, received_at=received_at)
        if known_by & set(system.identifiers)
        for category in system.categories
        if not scope.categories
        or any(
            at_or_below(category, wanted) or at_or_below(wanted, category)
            for wanted in scope.categories
        )
    }
    return accepted(regime.assurance, right, sorted(categories))
