"""What the timeline must never do, whatever happens; the dates themselves are in examples.yaml."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dsr_cli.rules import load_rules
from dsr_core.law.calendars import Calendar, Term
from dsr_core.law.facts import Fact, FactKind, in_order
from dsr_core.law.rules import ALL_RIGHTS, Extension, Regime, Rule, Rules
from dsr_core.law.timeline import Timeline, timeline
from dsr_core.rights import Right
from dsr_runtime.holidays import public_holidays
from support.sources import ROOT

LONDON = ZoneInfo("Europe/London")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(ROOT / "rules")


def fact(kind: FactKind, at: str) -> Fact:
    return Fact(kind, datetime.fromisoformat(at).replace(tzinfo=LONDON))


def in_britain(rules: Rules, *facts: Fact, right: Right = Right.ACCESS) -> Timeline:
    regime = rules.regime("uk_gdpr")
    assert regime is not None
    return timeline(regime, right, Calendar(LONDON, public_holidays("GB")), facts)


RECEIVED = fact(FactKind.RECEIVED, "2026-03-02T12:00")
PROVEN = fact(FactKind.IDENTITY_PROVEN, "2026-03-02T12:00")


def test_nothing_received_has_no_timeline(rules: Rules) -> None:
    with pytest.raises(ValueError, match="begins with a receipt"):
        in_britain(rules, PROVEN)


def test_a_moment_without_an_offset_is_refused_before_it_is_taken_for_the_machine_s() -> None:
    with pytest.raises(ValueError, match="offset"):
        Fact(FactKind.RECEIVED, datetime(2026, 3, 2, 12))  # noqa: DTZ001 - what is refused


def test_one_moment_told_in_two_zones_is_one_fact() -> None:
    moment = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    told = [Fact(FactKind.RECEIVED, moment.astimezone(zone)) for zone in (UTC, BERLIN, LONDON)]
    assert in_order(told) == (Fact(FactKind.RECEIVED, moment),)


def test_facts_of_the_hour_that_comes_twice_are_in_the_order_in_which_they_happened() -> None:
    first = Fact(FactKind.CLARIFICATION_ASKED, datetime(2026, 10, 25, 2, 50, tzinfo=BERLIN))
    second = Fact(
        FactKind.CLARIFICATION_GIVEN, datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1)
    )
    assert in_order([second, first]) == (first, second)


def test_facts_of_one_moment_are_in_the_order_of_their_kinds() -> None:
    told = [Fact(kind, RECEIVED.effective_at) for kind in reversed(FactKind)]
    assert [one.kind for one in in_order(told)] == list(FactKind)


def test_a_clarification_never_comes_to_a_date_that_is_past_when_it_is_given(rules: Rules) -> None:
    """28 March 2026 is a Saturday; the weekend moves the date, and gives no days of the month."""
    facts = [
        fact(FactKind.RECEIVED, "2026-02-28T12:00"),
        fact(FactKind.IDENTITY_PROVEN, "2026-02-28T12:00"),
        fact(FactKind.CLARIFICATION_ASKED, "2026-03-29T12:00"),
    ]
    before = in_britain(rules, *facts).respond_by
    after = in_britain(rules, *facts, fact(FactKind.CLARIFICATION_GIVEN, "2026-04-15T12:00"))
    assert before is not None
    assert before.isoformat() == "2026-03-30T23:59:59+01:00"
    assert after.respond_by == before


def test_what_is_awaited_is_named_for_the_extension_too(rules: Rules) -> None:
    found = in_britain(rules, RECEIVED)
    assert [(one.name, one.at) for one in found.entries if one.at is None] == [
        ("extension_notice_by", None),
        ("refusal_notice_by", None),
        ("respond_by", None),
    ]
    notice = found.entry("extension_notice_by")
    assert notice is not None
    assert notice.why == (
        "the person must be told before the time is over: "
        "1 month after the proof of identity, which is awaited"
    )
    assert notice.rule == "UK GDPR art. 12A(3) (version 2)"


def test_a_clock_that_stands_still_says_since_when_and_by_which_provision(rules: Rules) -> None:
    asked = fact(FactKind.CLARIFICATION_ASKED, "2026-03-09T12:00")
    entry = in_britain(rules, RECEIVED, PROVEN, asked).entry("respond_by")
    assert entry is not None
    assert entry.why == "the clock stands still since 2026-03-09: UK GDPR art. 12A(5)"


def test_an_extension_that_came_too_late_is_said_to_have(rules: Rules) -> None:
    told = fact(FactKind.EXTENSION_NOTIFIED, "2026-04-03T12:00")
    entry = in_britain(rules, RECEIVED, PROVEN, told).entry("respond_by")
    assert entry is not None
    assert entry.why == (
        "1 month after 2026-03-02 is 2026-04-02; an extension told on 2026-04-03 came too late"
    )


def test_an_extended_date_cites_the_extension_and_counts_both_terms(rules: Rules) -> None:
    told = fact(FactKind.EXTENSION_NOTIFIED, "2026-03-20T12:00")
    entry = in_britain(rules, RECEIVED, PROVEN, told).entry("respond_by")
    assert entry is not None
    assert entry.rule == "UK GDPR art. 12A(3) (version 2)"
    assert entry.why == "3 months after 2026-03-02 is 2026-06-02"


def test_entries_are_by_date_then_name_and_what_is_awaited_comes_last(rules: Rules) -> None:
    found = in_britain(rules, RECEIVED, PROVEN)
    assert [one.name for one in found.entries] == [
        "extension_notice_by",
        "refusal_notice_by",
        "respond_by",
        "verify_identity_by",
    ]
    awaited = in_britain(rules, RECEIVED)
    assert [one.name for one in awaited.entries] == [
        "verify_identity_by",
        "extension_notice_by",
        "refusal_notice_by",
        "respond_by",
    ]
    assert awaited.respond_by is None
    assert awaited.entry("complain_by") is None


def in_seconds(*facts: Fact) -> datetime | None:
    """When a demonstration's request is due, in which 30 seconds stand for the days of a law."""
    thirty = Term.parse("30 seconds")
    rule = Rule(
        name="respond_by",
        version=1,
        in_force_from=date(2020, 1, 1),
        rights=ALL_RIGHTS,
        counts_from=FactKind.RECEIVED,
        term=thirty,
        citation="a demonstration",
        pauses="a demonstration",
        extension=Extension(term=thirty, citation="a demonstration"),
    )
    regime = Regime(
        name="default", title="A demonstration", citation="", zone="Etc/UTC",
        jurisdictions=(), rules=(rule,), tiers=(),
    )  # fmt: skip
    return timeline(regime, Right.ACCESS, Calendar(UTC, {}), facts).respond_by


def test_what_is_counted_in_seconds_stands_still_for_seconds_and_ends_sharply() -> None:
    def after(seconds: float) -> datetime:
        return datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(seconds=seconds)

    received = Fact(FactKind.RECEIVED, after(0))
    asked = Fact(FactKind.CLARIFICATION_ASKED, after(10))
    given = Fact(FactKind.CLARIFICATION_GIVEN, after(15))
    told = Fact(FactKind.EXTENSION_NOTIFIED, after(30))
    late = Fact(FactKind.EXTENSION_NOTIFIED, after(30.5))
    assert in_seconds(received) == after(30)
    assert in_seconds(received, asked) is None
    assert in_seconds(received, asked, given) == after(35)
    assert in_seconds(received, told) == after(60)
    assert in_seconds(received, late) == after(30)
