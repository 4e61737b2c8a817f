"""Which regime applies, which version of its rules, and the form that names them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dsr_core.law.calendars import Term
from dsr_core.law.facts import FactKind
from dsr_core.law.rules import ALL_RIGHTS, Extension, Regime, Rule, Rules, Tier, TierAction
from dsr_core.rights import Right

TIERS = (Tier(percent=90, action=TierAction.ESCALATE_TO_PRIVACY_OFFICE),)


def a_rule(name: str = "respond_by", term: str = "30 days", **changed: Any) -> Rule:
    fields: dict[str, Any] = {
        "name": name,
        "version": 1,
        "in_force_from": date(2020, 1, 1),
        "rights": ALL_RIGHTS,
        "counts_from": FactKind.RECEIVED,
        "term": Term.parse(term),
        "citation": "an act",
    }
    return Rule(**{**fields, **changed})


def a_regime(name: str, *rules: Rule, jurisdictions: tuple[str, ...] = ()) -> Regime:
    return Regime(
        name=name, title=f"the {name} act", citation="an act", zone="Etc/UTC",
        jurisdictions=jurisdictions, rules=rules or (a_rule(),), tiers=TIERS,
    )  # fmt: skip


DEFAULT = a_regime("default", a_rule(in_force_from=date(1900, 1, 1)))
COUNTRY = a_regime("country", jurisdictions=("DE", "FR"))
STATE = a_regime("state", a_rule(in_force_from=date(2026, 1, 1)), jurisdictions=("DE-BY",))
RULES = Rules((STATE, DEFAULT, COUNTRY))


def on(day: str) -> Callable[[Regime], date]:
    return lambda _: date.fromisoformat(day)


@pytest.mark.parametrize(
    ("jurisdiction", "day", "regime", "why"),
    [
        ("DE", "2026-05-01", "country", "the country act applies in DE"),
        ("DE-BE", "2026-05-01", "country", "the country act applies in DE"),
        ("DE-BY", "2026-05-01", "state", "the state act applies in DE-BY"),
        ("US", "2026-05-01", "default", "no regime names US; the default applies"),
        ("US-TX", "2026-05-01", "default", "no regime names US-TX; the default applies"),
        (
            "FR", "2019-12-31", "default",
            "the country act had no date for deletion on 2019-12-31; the default applies",
        ),
    ],
)  # fmt: skip
def test_the_local_version_prevails(jurisdiction: str, day: str, regime: str, why: str) -> None:
    found = RULES.applicable(jurisdiction, Right.DELETION, on(day))
    assert (found.regime.name, found.why) == (regime, why)


def test_a_state_s_act_that_is_not_in_force_gives_way_to_its_country_s() -> None:
    found = RULES.applicable("DE-BY", Right.DELETION, on("2025-12-31"))
    assert found.regime is COUNTRY
    assert found.why == (
        "the state act had no date for deletion on 2025-12-31; the country act applies in DE"
    )


def test_neither_a_state_s_nor_a_country_s_act_in_force_leaves_the_default() -> None:
    found = RULES.applicable("DE-BY", Right.DELETION, on("2019-12-31"))
    assert found.regime is DEFAULT
    assert found.why == (
        "the state act had no date for deletion on 2019-12-31; "
        "the country act had no date for deletion on 2019-12-31; the default applies"
    )


def test_an_act_that_is_silent_on_a_right_gives_way() -> None:
    state = a_regime("state", a_rule(rights=(Right.ACCESS,)), jurisdictions=("DE-BY",))
    rules = Rules((state, DEFAULT, COUNTRY))
    assert rules.applicable("DE-BY", Right.ACCESS, on("2026-05-01")).regime is state
    assert rules.applicable("DE-BY", Right.DELETION, on("2026-05-01")).regime is COUNTRY


def test_an_act_with_other_dates_but_none_to_answer_by_gives_way() -> None:
    state = a_regime("state", a_rule("complain_by"), jurisdictions=("DE-BY",))
    rules = Rules((state, DEFAULT, COUNTRY))
    assert rules.applicable("DE-BY", Right.ACCESS, on("2026-05-01")).regime is COUNTRY


def test_each_act_is_asked_about_the_day_in_its_own_zone() -> None:
    days = {"state": date(2025, 12, 31), "country": date(2026, 1, 1)}
    found = RULES.applicable("DE-BY", Right.DELETION, lambda regime: days[regime.name])
    assert found.regime is COUNTRY


def test_the_newest_version_in_force_counts_for_each_right() -> None:
    regime = a_regime(
        "state",
        a_rule(term="40 days", version=2, in_force_from=date(2026, 2, 5), rights=(Right.ACCESS,)),
        a_rule(term="30 days"),
        a_rule("complain_by", in_force_from=date(2027, 1, 1)),
        jurisdictions=("DE-BY",),
    )

    def terms(right: Right, day: str) -> dict[str, str]:
        return {one.name: str(one.term) for one in regime.in_force(right, date.fromisoformat(day))}

    assert terms(Right.ACCESS, "2019-12-31") == {}
    assert terms(Right.ACCESS, "2026-02-04") == {"respond_by": "30 days"}
    assert terms(Right.ACCESS, "2026-02-05") == {"respond_by": "40 days"}
    assert terms(Right.DELETION, "2026-02-05") == {"respond_by": "30 days"}
    assert terms(Right.DELETION, "2027-01-01") == {
        "respond_by": "30 days",
        "complain_by": "30 days",
    }


def test_a_regime_is_found_by_name() -> None:
    assert RULES.regime("state") is STATE
    assert RULES.regime("nowhere") is None


def test_equal_content_has_an_equal_digest_and_other_content_another() -> None:
    assert Rules((COUNTRY, STATE, DEFAULT)).digest == RULES.digest
    assert Rules((COUNTRY, DEFAULT)).digest != RULES.digest
    reordered = a_regime("country", jurisdictions=("FR", "DE"))
    assert Rules((reordered, STATE, DEFAULT)).digest == RULES.digest


def test_the_canonical_form_reads_back() -> None:
    extended = a_regime(
        "state",
        a_rule(extension=Extension(term=Term.parse("2 months"), citation="§ 2"), term="1 month"),
        a_rule(
            "complain_by",
            counts_from=FactKind.REFUSED,
            moved_by="§ 3",
            pauses="§ 4",
            unanswered="§ 5",
        ),
        jurisdictions=("DE-BY",),
    )
    rules = Rules((DEFAULT, extended))
    assert Rules.from_canonical(rules.canonical()) == rules


@pytest.mark.parametrize(
    ("holidays", "written"),
    [((), None), (("US",), "US"), (("requester", "DE"), ["DE", "requester"])],
)
def test_one_calendar_is_written_as_before_there_could_be_several(
    holidays: tuple[str, ...], written: object
) -> None:
    regime = replace(a_regime("state", jurisdictions=("DE-BY",)), holidays=holidays)
    rules = Rules((DEFAULT, regime))
    assert json.loads(rules.canonical())[1]["holidays"] == written
    assert Rules.from_canonical(rules.canonical()) == rules
    assert "unanswered" not in rules.canonical().decode()


@pytest.mark.parametrize(
    ("holidays", "whose"),
    [
        ((), ("DE-BY",)),
        (("US", "US-CA"), ("US", "US-CA")),
        (("DE", "requester"), ("DE", "DE-BY")),
        (("DE-BY", "requester"), ("DE-BY",)),
    ],
)
def test_whose_holidays_may_count_is_named_once_each(
    holidays: tuple[str, ...], whose: tuple[str, ...]
) -> None:
    assert replace(DEFAULT, holidays=holidays).holidays_of("DE-BY") == whose


def changed(path: tuple[str | int, ...], value: Any) -> bytes:
    """The canonical form of the rules, with one value in it replaced."""
    content = json.loads(RULES.canonical())
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("canonical", "complaint"),
    [
        (b"", "Expecting value"),
        (b"\xff", "codec can't decode"),
        (b"{}", "not the canonical form"),
        (b"[{}]", "not rules"),
        (b"null", "not rules"),
        (b"[1]", "not rules"),
        (b"[" * 100_000, "not rules"),
        (RULES.canonical() + b" ", "not the canonical form"),
        (changed((0, "zones"), "Etc/UTC"), "not rules"),
        (changed((0, "rules", 0, "term"), "1 fortnight"), "write it as"),
        (changed((0, "rules", 0, "term"), "1 days"), "not the canonical form"),
        (changed((0, "rules", 0, "rights"), ["erasure"]), "erasure"),
        (changed((0, "rules", 0, "counts_from"), "whenever"), "whenever"),
        (changed((0, "rules", 0, "in_force_from"), "20200101"), "not the canonical form"),
        (changed((0, "holidays"), ["DE"]), "not the canonical form"),
        (changed((0, "holidays"), ["requester", "DE"]), "not the canonical form"),
        (changed((0, "rules", 0, "unanswered"), None), "not the canonical form"),
        (changed((0, "rules", 0, "extension"), {}), "not rules"),
        (changed((0, "rules", 0, "extension"), ""), "not rules"),
        (changed((0, "rules", 0, "extension"), 0), "not rules"),
        (changed((0, "tiers", 0, "action"), "shout"), "shout"),
        (changed((0, "tiers", 0, "percent"), 50.5), "not the canonical form"),
        (Rules((COUNTRY, STATE)).canonical(), "one of them the default"),
        (Rules((DEFAULT, COUNTRY, COUNTRY)).canonical(), "each regime once"),
    ],
)  # fmt: skip
def test_what_are_no_rules_are_refused(canonical: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Rules.from_canonical(canonical)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0, "title"), 5),
        ((0, "zone"), None),
        ((0, "citation"), ["an act"]),
        ((0, "holidays"), 5),
        ((0, "holidays"), ["DE", 5]),
        ((0, "rules", 0, "unanswered"), 5),
        ((0, "jurisdictions"), [5]),
        ((0, "rules", 0, "version"), "1"),
        ((0, "rules", 0, "version"), 1.0),
        ((0, "rules", 0, "version"), True),
        ((0, "rules", 0, "name"), 5),
        ((0, "rules", 0, "citation"), None),
        ((0, "rules", 0, "moved_by"), 5),
        ((0, "rules", 0, "pauses"), False),
    ],
)
def test_a_value_of_another_kind_is_refused(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(ValueError, match="not rules"):
        Rules.from_canonical(changed(path, value))
