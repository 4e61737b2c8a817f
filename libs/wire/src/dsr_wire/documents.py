"""JSON documents that more than one program writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsr_core.law.facts import Fact, in_order
from dsr_core.law.rules import Regime
from dsr_core.law.timeline import Entry, Timeline
from dsr_core.rights import Right

__all__ = ["entry_document", "timeline_document"]


def timeline_document(
    dates: Timeline,
    facts: Iterable[Fact],
    *,
    regime: Regime,
    regime_why: str,
    rules_digest: str,
    right: Right,
    jurisdiction: str,
) -> dict[str, Any]:
    """Return the legal dates of a subject request, and what they were counted from."""
    return {
        "right": right.value,
        "jurisdiction": jurisdiction,
        "regime": regime.name,
        "regime_why": regime_why,
        "rules_digest": rules_digest,
        "zone": regime.zone,
        "facts": [
            {"kind": one.kind.value, "at": one.effective_at.isoformat()} for one in in_order(facts)
        ],
        "entries": [entry_document(one) for one in dates.entries],
    }


def entry_document(one: Entry) -> dict[str, str | None]:
    """Return one legal date."""
    return {
        "name": one.name,
        "at": one.at.isoformat() if one.at else None,
        "rule": one.rule,
        "why": one.why,
    }
