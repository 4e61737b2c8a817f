"""What is wrong with rules as a whole, each of which is sound: what intake could not count by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from dsr_cli.files.faults import FaultList
from dsr_core.law.facts import FactKind
from dsr_core.law.proofs import Assurance, Authority
from dsr_core.law.rules import RESPOND_BY, VERIFY_IDENTITY_BY, Rule, Tier, TierAction
from dsr_core.law.versions import Versioned

__all__ = ["check_assurance", "check_authority", "check_rules", "check_tiers"]

_V = TypeVar("_V", bound=Versioned)

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
    """Note what would be done twice at one moment, and versions of the whole that are no order."""
    seen: set[tuple[int, int, TierAction]] = set()
    for line, tier in tiers:
        key = (tier.version, tier.percent, tier.action)
        if key in seen:
            message = f"{tier.action} at {tier.percent} % stands twice"
            faults.add(line, message, "keep one of the two")
        seen.add(key)
    days: dict[int, date] = {}
    for line, tier in tiers:
        first = days.setdefault(tier.version, _day(tier))
        if first != _day(tier):
            message = (
                f"version {tier.version} of the tiers is in force from {_day(tier)} and {first}"
            )
            faults.add(line, message, "give all tiers of a version the same day")
    _check_order(tiers, lambda _: "tiers", faults)


def check_assurance(assurance: Sequence[tuple[int, Assurance]], faults: FaultList) -> None:
    """Note entries for the same rights and categories of which none replaces the other."""

    def thing(one: Assurance) -> str:
        return f"assurance of {', '.join(one.categories)} for {', '.join(one.rights)}"

    _check_once(assurance, thing, faults)
    _check_order(assurance, thing, faults)


def check_authority(authority: Sequence[tuple[int, Authority]], faults: FaultList) -> None:
    """Note entries for the same role of which none replaces the other."""
    _check_once(authority, lambda one: f"role '{one.role}'", faults)
    _check_order(authority, lambda one: f"role '{one.role}'", faults)


def _check_once(
    entries: Sequence[tuple[int, _V]], thing: Callable[[_V], str], faults: FaultList
) -> None:
    seen: set[tuple[str, int]] = set()
    for line, one in entries:
        if (thing(one), one.version) in seen:
            message = f"{thing(one)} stands twice in version {one.version}"
            faults.add(line, message, "give the newer one the next version")
        seen.add((thing(one), one.version))


def _check_order(
    entries: Sequence[tuple[int, _V]], thing: Callable[[_V], str], faults: FaultList
) -> None:
    for line, one in entries:
        older = [
            each
            for _, each in entries
            if thing(each) == thing(one) and each.version < one.version and _day(each) >= _day(one)
        ]
        if older:
            message = (
                f"{thing(one)} version {one.version} is in force from {_day(one)}, "
                f"no later than version {older[0].version}"
            )
            faults.add(line, message, "give the higher version to what comes into force later")


def _day(one: Versioned) -> date:
    """Return the day that every entry of a file has."""
    return one.in_force_from or date.min
