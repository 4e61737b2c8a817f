"""The shipped rules, and Hypothesis strategies of regimes and of what happens under them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from dsr_cli.rules import load_rules
from dsr_core.law.calendars import Calendar, Term, Unit
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import (
    ALL_RIGHTS,
    DEFAULT,
    ENTRY_NAMES,
    REQUESTER,
    RESPOND_BY,
    STARTS,
    Extension,
    Regime,
    Rule,
    Rules,
    Tier,
    TierAction,
)
from dsr_runtime.holidays import public_holidays
from support import strategies
from support.sources import ROOT

__all__ = ["calendar_of", "facts", "made_regimes", "made_rules", "moments", "shipped_rules"]

ZONES = ("Europe/Berlin", "Europe/London", "America/Los_Angeles", "Asia/Seoul", "Etc/UTC")
JURISDICTIONS = ("DE", "FR", "GB-ENG", "US", "KR")
OLDEST = date(2020, 1, 1)


@cache
def shipped_rules() -> Rules:
    """The rules that ship with the project."""
    return load_rules(ROOT / "rules")


def calendar_of(regime: Regime, jurisdiction: str = "DE") -> Calendar:
    """The calendar by which a regime counts the days of a person of a jurisdiction."""
    return Calendar(ZoneInfo(regime.zone), public_holidays(*regime.holidays_of(jurisdiction)))


zones = st.sampled_from([UTC, *map(ZoneInfo, ZONES)])
moments = st.datetimes(datetime(2026, 1, 20), datetime(2026, 6, 20), timezones=zones)  # noqa: DTZ001 - the zone is drawn
"""Close enough together that facts meet, over both changes of the clocks in spring, and Easter."""

clock_changes = st.datetimes(
    datetime(2026, 10, 24, 20), datetime(2026, 11, 2), timezones=zones  # noqa: DTZ001 - as above
)  # fmt: skip
"""The nights in autumn in which an hour comes twice."""


@st.composite
def facts(draw: st.DrawFn, *, with_receipt: bool = True) -> list[Fact]:
    """What might happen to a request in its first weeks, told in any order."""
    began = draw(st.sampled_from([moments, moments, clock_changes]).flatmap(lambda when: when))
    later = st.builds(
        lambda days, seconds: began + timedelta(days=days, seconds=seconds),
        st.integers(-3, 60) | st.integers(25, 35),
        st.integers(0, 86_399),
    )
    kinds = st.sampled_from([kind for kind in FactKind if kind is not FactKind.RECEIVED])
    found = draw(st.lists(st.builds(Fact, kinds, later), max_size=8))
    if with_receipt:
        found.append(Fact(FactKind.RECEIVED, began))
        found += [Fact(FactKind.RECEIVED, one) for one in draw(st.lists(later, max_size=1))]
    if draw(st.booleans()):
        found.append(Fact(FactKind.IDENTITY_PROVEN, began))
    return draw(st.permutations(found))


texts = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=12)
day_terms = st.builds(Term, st.integers(1, 60), st.sampled_from([Unit.DAYS, Unit.BUSINESS_DAYS]))
month_terms = st.builds(Term, st.integers(1, 3), st.sampled_from([Unit.MONTHS, Unit.YEARS]))
terms = day_terms | month_terms


@st.composite
def rules_of(draw: st.DrawFn, name: str) -> Rule:
    """A rule that states one date; only the date to answer by can be extended or stand still."""
    term = draw(terms)
    longer = st.builds(
        Extension, term=st.just(Term(draw(st.integers(1, 45)), term.unit)), citation=texts
    )
    answers = name == RESPOND_BY
    counts_from = draw(st.sampled_from(STARTS[:2] if answers else STARTS))
    return Rule(
        name=name,
        version=draw(st.integers(1, 3)),
        in_force_from=draw(st.sampled_from([OLDEST, date(2026, 3, 1)])),
        rights=draw(st.sampled_from([ALL_RIGHTS, ALL_RIGHTS[:2], ALL_RIGHTS[2:]])),
        counts_from=counts_from,
        term=term,
        citation=draw(texts),
        moved_by=draw(st.none() | texts),
        pauses=draw(st.none() | texts) if answers else None,
        extension=draw(st.none() | longer) if answers else None,
        unanswered=draw(st.none() | texts) if counts_from is FactKind.REFUSED else None,
    )


tiers = st.builds(Tier, percent=st.integers(1, 100), action=st.sampled_from(TierAction))


@st.composite
def made_regimes(draw: st.DrawFn, *, name: str = "made") -> Regime:
    """A regime such as some law might make, with a date to answer by for every right."""
    stated = [
        draw(rules_of(one))
        for one in draw(st.lists(st.sampled_from(sorted(ENTRY_NAMES)), max_size=5))
    ]
    always = draw(rules_of(RESPOND_BY))
    stated.append(
        Rule(
            name=RESPOND_BY,
            version=1,
            in_force_from=OLDEST,
            rights=ALL_RIGHTS,
            counts_from=always.counts_from,
            term=always.term,
            citation=always.citation,
            moved_by=always.moved_by,
            pauses=always.pauses,
            extension=always.extension,
        )
    )
    distinct = {(one.name, one.version, right): one for one in stated for right in one.rights}
    return Regime(
        name=name,
        title=draw(texts),
        citation=draw(texts),
        zone=draw(st.sampled_from(ZONES)),
        holidays=draw(st.sampled_from([(), ("US",), ("DE", REQUESTER), ("US", "GB-ENG")])),
        jurisdictions=draw(strategies.sorted_tuples(st.sampled_from(JURISDICTIONS))),
        rules=tuple(
            {(one.name, one.version, one.rights): one for one in distinct.values()}.values()
        ),
        tiers=tuple(draw(st.lists(tiers, max_size=3))),
    )


@st.composite
def made_rules(draw: st.DrawFn) -> Rules:
    """A version of all rules: the default, and some regimes of other names."""
    names = draw(
        st.lists(st.from_regex(r"[a-c][a-z]{0,3}", fullmatch=True), max_size=3, unique=True)
    )
    return Rules(tuple(draw(made_regimes(name=name)) for name in [DEFAULT, *names]))
