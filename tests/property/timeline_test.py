"""Whatever happens, in whatever order it is learnt: what is past stays past, and nothing is granted late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import RESPOND_BY, Regime, Rule, Rules
from dsr_core.law.timeline import EXTENSION_NOTICE_BY, Timeline, timeline
from dsr_core.rights import Right
from support.law import (
    JURISDICTIONS,
    ZONES,
    calendar_of,
    facts,
    made_regimes,
    made_rules,
    moments,
    shipped_rules,
)
from support.strategies import rights

SECOND = timedelta(seconds=1)
IDENTITY_AND_CLARIFICATION = {
    FactKind.IDENTITY_PROVEN,
    FactKind.CLARIFICATION_ASKED,
    FactKind.CLARIFICATION_GIVEN,
}
NON_PAUSING = ("gdpr", "ccpa", "lgpd", "quebec_law25", "korea_pipa", "vcdpa", "default")

jurisdictions = st.sampled_from(JURISDICTIONS)


def shipped(name: str) -> Regime:
    found = shipped_rules().regime(name)
    assert found is not None
    return found


regimes = st.one_of(
    st.just(shipped("uk_gdpr")), st.sampled_from(shipped_rules().regimes), made_regimes()
)


def dates(regime: Regime, right: Right, told: Iterable[Fact], jurisdiction: str = "DE") -> Timeline:
    return timeline(regime, right, calendar_of(regime, jurisdiction), told)


def without(told: Iterable[Fact], kinds: Iterable[FactKind]) -> list[Fact]:
    return [one for one in told if one.kind not in set(kinds)]


def past(found: Timeline, moment: datetime) -> set[tuple[str, datetime]]:
    """The dates of which no part of their last second is left at a moment."""
    return {(one.name, one.at) for one in found.entries if one.at and moment >= one.at + SECOND}


def first(told: Iterable[Fact], kind: FactKind) -> datetime | None:
    return min((one.effective_at for one in told if one.kind is kind), default=None)


def rule_of(regime: Regime, right: Right, told: Iterable[Fact], name: str) -> Rule:
    """The rule that states an entry."""
    received = first(told, FactKind.RECEIVED)
    assert received is not None
    in_force = regime.in_force(right, calendar_of(regime).day_of(received))
    return next(
        one
        for one in in_force
        if one.name == name or (name == EXTENSION_NOTICE_BY and one.extension is not None)
    )


@given(regimes, rights, jurisdictions, facts(), st.data())
def test_a_fact_moves_no_past_date_and_makes_none(
    regime: Regime, right: Right, jurisdiction: str, told: list[Fact], data: st.DataObject
) -> None:
    before = dates(regime, right, told, jurisdiction)
    known = [one.effective_at for one in told] + [one.at for one in before.entries if one.at]
    near = st.builds(
        lambda moment, seconds: moment + timedelta(seconds=seconds),
        st.sampled_from(known),
        st.sampled_from([-86_400, -1, 0, 0.5, 1, 86_400, 40 * 86_400]),
    )
    one_more = data.draw(st.builds(Fact, st.sampled_from(FactKind), moments | near))
    after = dates(regime, right, [*told, one_more], jurisdiction)
    assert past(after, one_more.effective_at) == past(before, one_more.effective_at)


@given(regimes, rights, facts(), st.data())
def test_neither_order_nor_repetition_nor_zone_is_of_matter(
    regime: Regime, right: Right, told: list[Fact], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=3))
    elsewhere = [
        Fact(one.kind, one.effective_at.astimezone(ZoneInfo(data.draw(st.sampled_from(ZONES)))))
        for one in data.draw(st.permutations([*told, *again]))
    ]
    assert dates(regime, right, elsewhere) == dates(regime, right, told)


@pytest.mark.parametrize("name", NON_PAUSING)
@given(rights, facts())
def test_a_clock_that_does_not_pause_never_gets_later_by_waiting(
    name: str, right: Right, told: list[Fact]
) -> None:
    regime = shipped(name)
    waited = dates(regime, right, told)
    assert waited == dates(regime, right, without(told, IDENTITY_AND_CLARIFICATION))
    answers = any(rule.name == RESPOND_BY and right in rule.rights for rule in regime.rules)
    assert waited.respond_by is not None or not waited.entries or not answers


@given(rights, facts())
def test_britain_s_clock_never_gets_earlier_by_clarification(
    right: Right, told: list[Fact]
) -> None:
    """Apart from an extension, which is in time or not by what else has happened."""
    told = without(told, [FactKind.EXTENSION_NOTIFIED])
    regime = shipped("uk_gdpr")
    plain = dates(regime, right, without(told, [FactKind.CLARIFICATION_ASKED])).respond_by
    paused = dates(regime, right, told).respond_by
    assert plain is None or paused is None or paused >= plain


@given(moments, st.integers(-72, 24), st.integers(0, 60), jurisdictions)
def test_clarification_given_comes_to_no_date_that_is_past_by_then(
    received: datetime, hours: int, days: int, jurisdiction: str
) -> None:
    regime = shipped("uk_gdpr")
    told = [Fact(FactKind.RECEIVED, received), Fact(FactKind.IDENTITY_PROVEN, received)]
    due = dates(regime, Right.ACCESS, told, jurisdiction).respond_by
    assert due is not None
    asked = Fact(FactKind.CLARIFICATION_ASKED, due + timedelta(hours=hours))
    answered = Fact(FactKind.CLARIFICATION_GIVEN, asked.effective_at + timedelta(days=days))
    found = dates(regime, Right.ACCESS, [*told, asked, answered], jurisdiction).respond_by
    assert found is not None
    assert found == due or found + SECOND > answered.effective_at


@given(regimes, rights, facts())
def test_an_extension_is_only_granted_with_notice_in_time(
    regime: Regime, right: Right, told: list[Fact]
) -> None:
    found = dates(regime, right, told)
    plain = dates(regime, right, without(told, [FactKind.EXTENSION_NOTIFIED]))
    notice = found.entry(EXTENSION_NOTICE_BY)
    if notice is None:
        assert found == plain
        return
    assert notice == plain.entry(EXTENSION_NOTICE_BY)
    rule = rule_of(regime, right, told, RESPOND_BY)
    extended, unextended = found.entry(RESPOND_BY), plain.entry(RESPOND_BY)
    assert rule.extension is not None
    assert extended is not None
    assert unextended is not None
    told_at = first(told, FactKind.EXTENSION_NOTIFIED)
    granted = extended.rule == f"{rule.extension.citation} (version {rule.version})"
    if granted and unextended.rule != extended.rule:
        assert told_at is not None
        assert notice.at is None or told_at < notice.at + SECOND
    if not granted:
        assert extended.at == unextended.at
        came_back = first(told, FactKind.EXTENSION_CAME_BACK)
        is_late = told_at is None or notice.at is None or told_at >= notice.at + SECOND
        assert is_late or came_back is not None


@given(regimes, rights, facts(), moments)
def test_a_telling_that_came_back_leaves_every_date_as_though_nobody_had_told(
    regime: Regime, right: Right, told: list[Fact], moment: datetime
) -> None:
    of_extensions = {FactKind.EXTENSION_NOTIFIED, FactKind.EXTENSION_CAME_BACK}
    never = without(told, of_extensions)
    both = [Fact(kind, moment) for kind in of_extensions]
    assert [(one.name, one.at) for one in dates(regime, right, [*never, *both]).entries] == [
        (one.name, one.at) for one in dates(regime, right, never).entries
    ]


@pytest.mark.parametrize("name", ["gdpr", "ccpa", "vcdpa"])
@given(moments, st.floats(-2, 2), st.sampled_from([Right.ACCESS, Right.DELETION]))
def test_notice_is_in_time_to_the_last_second_of_the_last_day(
    name: str, received: datetime, seconds: float, right: Right
) -> None:
    regime = shipped(name)
    arrived = [Fact(FactKind.RECEIVED, received)]
    due = dates(regime, right, arrived).respond_by
    assert due is not None
    told = Fact(FactKind.EXTENSION_NOTIFIED, due + timedelta(seconds=seconds))
    extended = dates(regime, right, [*arrived, told]).respond_by
    assert extended is not None
    assert (extended > due) == (told.effective_at < due + SECOND)


@given(regimes, rights, jurisdictions, facts())
def test_a_date_that_days_off_move_is_never_on_one(
    regime: Regime, right: Right, jurisdiction: str, told: list[Fact]
) -> None:
    calendar = calendar_of(regime, jurisdiction)
    for entry in dates(regime, right, told, jurisdiction).entries:
        if entry.at and rule_of(regime, right, told, entry.name).moved_by:
            assert calendar.day_off(calendar.day_of(entry.at)) is None


@given(regimes, rights, facts())
def test_entries_are_sorted_once_each_and_end_with_their_day(
    regime: Regime, right: Right, told: list[Fact]
) -> None:
    entries = dates(regime, right, told).entries
    assert len({one.name for one in entries}) == len(entries)
    known = [(one.at, one.name) for one in entries if one.at]
    assert known == sorted(known)
    assert [one.name for one in entries if not one.at] == sorted(
        one.name for one in entries if not one.at
    )
    assert all(one.at is None for one in entries[len(known) :])
    for at, _ in known:
        local = at.astimezone(ZoneInfo(regime.zone))
        assert f"{local:%H:%M:%S}" == "23:59:59"


@given(regimes, rights, facts())
def test_every_date_lies_after_what_it_is_counted_from_and_says_why(
    regime: Regime, right: Right, told: list[Fact]
) -> None:
    received = first(told, FactKind.RECEIVED)
    assert received is not None
    for entry in dates(regime, right, told).entries:
        rule = rule_of(regime, right, told, entry.name)
        start = first(told, rule.counts_from)
        if rule.unanswered is not None and "without an answer" in entry.why:
            start = dates(regime, right, told).respond_by
        assert entry.at is None or (start is not None and entry.at > max(start, received))
        assert f"(version {rule.version})" in entry.rule
        assert entry.why


@given(facts(with_receipt=False), rights)
def test_nothing_received_has_no_timeline(told: list[Fact], right: Right) -> None:
    with pytest.raises(ValueError, match="begins with a receipt"):
        dates(shipped("gdpr"), right, told)


@given(made_rules())
def test_the_canonical_form_reads_back(rules: Rules) -> None:
    assert Rules.from_canonical(rules.canonical()) == rules


@given(made_rules(), st.data())
def test_the_digest_names_the_content_in_whatever_order(rules: Rules, data: st.DataObject) -> None:
    shuffled = [
        replace(
            one,
            rules=tuple(data.draw(st.permutations(one.rules))),
            jurisdictions=tuple(data.draw(st.permutations(one.jurisdictions))),
            tiers=tuple(data.draw(st.permutations(one.tiers))),
        )
        for one in data.draw(st.permutations(rules.regimes))
    ]
    assert Rules(tuple(shuffled)) == rules
    assert Rules(tuple(shuffled)).digest == rules.digest


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_of_anybody_s_are_rules_or_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Rules.from_canonical(content)


@given(regimes, rights, facts(), facts(), jurisdictions)
def test_what_was_counted_for_one_request_changes_no_date_of_another(
    regime: Regime, right: Right, told: list[Fact], before: list[Fact], jurisdiction: str
) -> None:
    calendar = calendar_of(regime, jurisdiction)
    timeline(regime, right, calendar, before)
    assert timeline(regime, right, calendar, told) == dates(regime, right, told, jurisdiction)
