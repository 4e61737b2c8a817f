"""Which tiers, assurance and authority count for what is accepted on a day, and the form of before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dsr_core.law.proofs import Assurance, Authority, Evidence, Level, Method, Role
from dsr_core.law.rules import Regime, Rules, Tier, TierAction
from dsr_core.rights import Right
from support.builders import a_regime

BEFORE = (Path(__file__).parent / "rules_without_versions.json").read_bytes()
"""Shipped rules, as they were published before these entries had versions."""

FIRST, SECOND = date(2025, 1, 1), date(2026, 1, 1)
VERSIONS = ((1, FIRST), (2, SECOND))


def a_tier(percent: int, version: int, day: date | None) -> Tier:
    action = TierAction.RECORD_BREACH
    return Tier(
        percent=percent, action=action, citation="policy", version=version, in_force_from=day
    )


def an_assurance(level: Level, version: int, day: date, *categories: str) -> Assurance:
    return Assurance(
        rights=(Right.ACCESS,),
        categories=categories or ("user.payment",),
        accepts=(Method.ATTESTED,),
        citation="policy",
        level=level,
        version=version,
        in_force_from=day,
    )


def an_authority(role: Role, version: int, day: date) -> Authority:
    return Authority(
        role=role, needs=(Evidence.CONSENT,), citation="policy", version=version, in_force_from=day
    )


REGIME = a_regime(
    tiers=(
        *(a_tier(percent, 1, FIRST) for percent in (50, 100)),
        *(a_tier(percent, 2, SECOND) for percent in (40, 80, 100)),
    ),
    assurance=(
        an_assurance(Level.LOW, 1, FIRST),
        an_assurance(Level.HIGH, 2, SECOND),
        an_assurance(Level.HIGH, 1, FIRST, "user.financial"),
    ),
    authority=(
        *(an_authority(Role.GUARDIAN, version, day) for version, day in VERSIONS),
        an_authority(Role.AUTHORISED_AGENT, 1, SECOND),
    ),
)


def counted(regime: Regime) -> tuple[list[int], list[str], list[tuple[Role, int]]]:
    """What a regime has of each, in short."""
    return (
        [one.percent for one in regime.tiers],
        [f"{one.level} {one.categories[0]}" for one in regime.assurance],
        [(one.role, one.version) for one in regime.authority],
    )


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 12, 31), ([], [], [])),
        (FIRST, ([50, 100], ["low user.payment", "high user.financial"], [(Role.GUARDIAN, 1)])),
        (
            SECOND,
            (
                [40, 80, 100],
                ["high user.payment", "high user.financial"],
                [(Role.GUARDIAN, 2), (Role.AUTHORISED_AGENT, 1)],
            ),
        ),
    ],
    ids=["before any", "the first", "the second"],
)
def test_the_newest_version_that_was_in_force_counts(
    day: date, expected: tuple[list[int], list[str], list[tuple[Role, int]]]
) -> None:
    assert counted(REGIME.as_of(day)) == expected


def test_what_all_counts_is_the_regime_itself() -> None:
    regime = replace(REGIME, tiers=REGIME.tiers[:2], assurance=(), authority=())
    assert regime.as_of(FIRST) is regime


def test_versions_and_days_read_back_and_are_part_of_the_digest() -> None:
    rules = Rules((REGIME,))
    assert Rules.from_canonical(rules.canonical()) == rules
    later = replace(REGIME, authority=(an_authority(Role.GUARDIAN, 1, SECOND),))
    assert Rules((later,)).digest != Rules((replace(later, authority=REGIME.authority[:1]),)).digest


def test_rules_of_before_are_read_as_they_were_published() -> None:
    rules = Rules.from_canonical(BEFORE)
    assert rules.canonical() == BEFORE
    assert rules.digest == "173b659fe37c22a214b3169eeaf6ab30a9f0ddde5dec439a44e972e22e3724b0"


def test_entries_of_before_are_first_versions_that_count_for_as_long_as_their_regime() -> None:
    for regime in Rules.from_canonical(BEFORE).regimes:
        assert regime.as_of(min(one.in_force_from for one in regime.rules)) is regime
        assert {one.version for one in regime.tiers} == {1}
        assert {one.version for one in (*regime.assurance, *regime.authority)} == {1}
        assert len(regime.tiers) == 4
        assert regime.authority


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"in_force_from":"2025-01-01",', "", "not the canonical form"),
        ('"in_force_from":"2025-01-01"', '"in_force_from":"soon"', "isoformat"),
        ('"in_force_from":"2025-01-01"', '"in_force_from":5', "not rules"),
        ('"version":7', '"version":"7"', "not rules"),
        ('"citation":"policy"', '"citation":5', "not rules"),
    ],
)
def test_versions_that_are_none_are_refused(old: str, new: str, complaint: str) -> None:
    text = Rules((a_regime(tiers=(a_tier(50, 7, FIRST),)),)).canonical().decode()
    assert old in text
    with pytest.raises(ValueError, match=complaint):
        Rules.from_canonical(text.replace(old, new).encode())
