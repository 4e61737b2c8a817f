"""Dating: which law counts, from which day, and by when it must be proven who asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dsr_core.law.calendars import Term
from dsr_core.law.facts import FactKind
from dsr_core.law.proofs import Authority, Evidence, Role
from dsr_core.law.rules import VERIFY_IDENTITY_BY, Regime, Rules, Tier, TierAction
from dsr_core.rights import Right
from dsr_intake.application.dating import Dating
from dsr_intake.model import Dates
from support.builders import NOW, a_regime, days, the_rules
from support.intake_fakes import a_request_view, no_holidays


def dates(rules: Rules | None = None, **changes: object) -> Dates:
    asked = {
        "jurisdiction": "DE",
        "right": Right.DELETION,
        "received_at": NOW,
        "accepted_at": NOW,
        "is_attested": True,
    }
    return Dating(no_holidays).dates(rules or the_rules(), **(asked | changes))  # type: ignore[arg-type] # a builder


def waiting() -> Regime:
    """A regime whose clock starts with the proof, as the United Kingdom's."""
    one = a_regime("waiting", jurisdictions=("GB",))
    respond_by = replace(one.rules[0], counts_from=FactKind.IDENTITY_PROVEN)
    verify_by = replace(one.rules[0], name=VERIFY_IDENTITY_BY, term=Term.parse("10 days"))
    return replace(one, rules=(respond_by, verify_by))


def test_an_attested_request_awaits_no_proof() -> None:
    assert dates().verify_identity_by is None
    assert dates().due_at == datetime(2026, 4, 1, 23, 59, 59, tzinfo=UTC)


def test_requests_of_one_place_are_counted_by_one_calendar() -> None:
    dating, regime = Dating(no_holidays), a_regime()
    assert dating.calendar(regime, "DE") is dating.calendar(regime, "DE")
    elsewhere = replace(regime, zone="Asia/Tokyo")
    assert dating.calendar(elsewhere, "DE").zone != dating.calendar(regime, "DE").zone


def test_where_no_date_is_set_the_proof_is_awaited_until_the_answer_is_due() -> None:
    found = dates(is_attested=False)
    assert found.verify_identity_by == found.due_at


def test_where_the_clock_waits_for_the_proof_the_request_is_due_by_its_date() -> None:
    rules = the_rules(a_regime(), waiting())
    found = dates(rules, jurisdiction="GB", is_attested=False)
    assert found.due_at == found.verify_identity_by == datetime(2026, 3, 12, 23, 59, 59, tzinfo=UTC)
    assert dates(rules, jurisdiction="GB").due_at > found.due_at


def test_the_day_of_receipt_is_that_of_the_establishment() -> None:
    tokyo = a_regime("tokyo", zone="Asia/Tokyo", jurisdictions=("JP",))
    found = dates(
        the_rules(a_regime(), tokyo),
        jurisdiction="JP",
        received_at=datetime(2026, 3, 1, 23, 0, tzinfo=UTC),
    )
    assert found.received_on == date(2026, 3, 2)
    assert found.regime == "tokyo"


def test_a_proof_is_a_fact_from_when_it_was_given() -> None:
    dating, later = Dating(no_holidays), NOW + days(3)
    kinds = [fact.kind for fact in dating.facts(a_request_view(identity_proven_at=None))]
    assert kinds == [FactKind.RECEIVED]
    facts = dating.facts(a_request_view(identity_proven_at=later))
    assert facts[1].effective_at == later


def test_dates_are_computed_once_for_a_day_and_place() -> None:
    asked: list[str] = []

    def holidays(*jurisdictions: str) -> dict[date, str]:
        asked.extend(jurisdictions)
        return {}

    dating = Dating(holidays)
    for minute in range(3):
        dating.dates(
            the_rules(),
            jurisdiction="DE",
            right=Right.DELETION,
            received_at=NOW.replace(minute=minute),
            accepted_at=NOW,
            is_attested=True,
        )
    assert asked == ["DE"]


@pytest.fixture(params=["default", "own"])
def ruling(request: pytest.FixtureRequest) -> Callable[..., Rules]:
    """Rules by which Germany has the default, or a regime of its own."""

    def made(**changes: Any) -> Rules:
        if request.param == "default":
            return the_rules(a_regime(**changes))
        return the_rules(a_regime(), a_regime("own", jurisdictions=("DE",), **changes))

    return made


def test_tiers_count_as_of_the_acceptance_and_not_of_the_receipt_that_is_stated(
    ruling: Callable[..., Rules],
) -> None:
    old, new = (
        Tier(percent=percent, action=TierAction.RECORD_BREACH, version=version, in_force_from=day)
        for percent, version, day in ((100, 1, date(2020, 1, 1)), (90, 2, NOW.date()))
    )
    rules = ruling(tiers=(old, new))
    long_ago = NOW - days(300)
    assert dates(rules, received_at=long_ago).tiers == (new,)
    assert dates(rules, received_at=long_ago, accepted_at=NOW - days(1)).tiers == (old,)
    regime = dates(rules, received_at=long_ago).regime
    kept = a_request_view(
        rules_digest=rules.digest, regime=regime, received_at=long_ago, accepted_at=NOW
    )
    assert Dating(no_holidays).regime(rules, kept).tiers == (new,)


def test_who_states_an_early_receipt_has_to_prove_no_less(ruling: Callable[..., Rules]) -> None:
    consent = Authority(
        role=Role.GUARDIAN,
        needs=(Evidence.CONSENT,),
        citation="an act",
        in_force_from=NOW.date(),
    )
    rules = ruling(authority=(consent,))

    def demanded(accepted_at: datetime) -> Authority | None:
        regime = Dating(no_holidays).applicable(
            rules, "DE", Right.ACCESS, received_at=NOW - days(300), accepted_at=accepted_at
        )
        return regime.authority_of(Role.GUARDIAN)

    assert demanded(NOW) == consent
    assert demanded(NOW - days(1)) is None
