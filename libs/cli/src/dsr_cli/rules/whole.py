"""What is wrong with rules as a whole, each of which is sound: what intake could not count by."""

from __future__ import annotations

from collections.abc import Sequence

from dsr_cli.files.faults import FaultList
from dsr_core.law.facts import FactKind
from dsr_core.law.proofs import Authority
from dsr_core.law.rules import RESPOND_BY, VERIFY_IDENTITY_BY, Rule, Tier

__all__ = ["check_authority", "check_rules", "check_tiers"]

_COMES = frozenset({FactKind.RECEIVED, FactKind.IDENTITY_PROVEN})
"""What every request has, or ends without."""


def check_rules(rules: Sequence[tuple[int, Rule]], faults: FaultList) -> None:
    """Note rules that count from what need not come, or whose versions are out of order."""
    for line, rule in rules:
        if rule.name == RESPOND_BY:
            _check_start(line, rule, [one for _, one in rules], faults)
        if rule.unanswered is not None and rule.counts_from is not FactKind.REFUSED:
            message = f"unanswered: {rule.name} does not count from a refusal"
            faults.add(line, message, "leave it out, or count from refused")
        older = [
            one
            for _, one in rules
            if one.name == rule.name
            and one.version < rule.version
            and set(one.rights) & set(rule.rights)
            and one.in_force_from >= rule.in_force_from
        ]
        if older:
            message = (
                f"{rule.name} version {rule.version} is in force from {rule.in_force_from}, "
                f"no later than version {older[0].version}"
            )
            faults.add(line, message, "give the higher version to what comes into force later")


def _check_start(line: int, rule: Rule, rules: Sequence[Rule], faults: FaultList) -> None:
    if rule.counts_from not in _COMES:
        message = f"{RESPOND_BY} counts from {rule.counts_from}, which need not come"
        faults.add(line, message, "count it from received or identity_proven")
    if rule.counts_from is not FactKind.IDENTITY_PROVEN:
        return
    ends = [
        one
        for one in rules
        if one.name == VERIFY_IDENTITY_BY
        and one.counts_from is FactKind.RECEIVED
        and one.in_force_from <= rule.in_force_from
    ]
    lacking = [right for right in rule.rights if not any(right in one.rights for one in ends)]
    if lacking:
        message = f"{RESPOND_BY} waits for the proof of identity without an end for {lacking[0]}"
        faults.add(line, message, f"add {VERIFY_IDENTITY_BY}, counted from received")


def check_tiers(tiers: Sequence[tuple[int, Tier]], faults: FaultList) -> None:
    """Note what would be done twice at one moment."""
    seen: set[Tier] = set()
    for line, tier in tiers:
        if tier in seen:
            message = f"{tier.action} at {tier.percent} % stands twice"
            faults.add(line, message, "keep one of the two")
        seen.add(tier)


def check_authority(authority: Sequence[tuple[int, Authority]], faults: FaultList) -> None:
    """Note roles of which only the first entry would count."""
    seen: set[str] = set()
    for line, one in authority:
        if one.role in seen:
            faults.add(line, f"role '{one.role}' stands twice", "keep one of the two")
        seen.add(one.role)
