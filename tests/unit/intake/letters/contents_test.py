"""What a letter tells of systems: by the names that they have now, and whose they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from dsr_core.ids import SystemId
from dsr_core.law.calendars import Term
from dsr_core.law.facts import FactKind
from dsr_core.law.rules import ALL_RIGHTS, ANSWER_APPEAL_BY, COMPLAIN_BY, Rule, Rules
from dsr_core.registry import Registry, Sale
from dsr_intake.application.dating import Dating
from dsr_intake.application.letters.contents import Appeal, Contents, Gathering, Proving, Row
from dsr_intake.model import FollowsWhy, Letter, LetterKind, RequestView
from support.builders import (
    NOW,
    a_regime,
    a_registry,
    a_system,
    an_organisation,
    days,
    the_rules,
)
from support.fake_ledger import FakeLedger
from support.intake_fakes import (
    FakeDecisions,
    FakeRegistryView,
    a_letter,
    a_request_view,
    no_holidays,
)


def an_obligation(system_id: str, organisation_id: str, **more: object) -> dict[str, object]:
    one = {
        "system_id": system_id,
        "organisation_id": organisation_id,
        "disposition": "erased",
        "exemptions": [],
        "reason": "",
    }
    return one | more


async def nothing(letter: Letter) -> Proving | None:
    del letter
    return None


async def rows(newest: Registry, *owed: dict[str, Any], **changes: Any) -> list[Row]:
    """What a letter about a request of the first version tells of systems."""
    ledger = FakeLedger()
    ledger.document = {"obligations": list(owed)}
    gathering = Gathering(
        ledger=ledger,
        decisions=FakeDecisions(),
        registry=FakeRegistryView(newest, former=[a_registry()]),
        dating=Dating(no_holidays),
        proving=nothing,
    )
    contents = await gathering.contents(a_letter(**changes), a_request_view(), at=NOW)
    return list(contents.rows)


async def told(one: RequestView, rules: Rules, at: datetime = NOW) -> Contents:
    """What a refusal of a request says under some rules."""
    gathering = Gathering(
        ledger=FakeLedger(),
        decisions=FakeDecisions(),
        registry=FakeRegistryView(a_registry(), rules),
        dating=Dating(no_holidays),
        proving=nothing,
    )
    one = replace(one, rules_digest=rules.digest)
    return await gathering.contents(a_letter(kind=LetterKind.REFUSED), one, at=at)


def sold(on: date) -> Registry:
    organisations = (
        an_organisation(),
        an_organisation("example-mail", name="Mail Ltd", sold=Sale(on=on, to="a buyer")),
    )
    return Registry(organisations, a_registry().systems)


async def test_an_organisation_that_has_left_the_group_is_told_as_such_once_it_has() -> None:
    owed = an_obligation("mailer", "example-mail")
    on = (NOW + days(2)).date()
    [before] = await rows(sold(on), owed)
    [after] = await rows(sold(on), owed, waiting_since=NOW + days(3))
    assert (before.organisation, before.left_on) == ("Mail Ltd", None)
    assert after.left_on == on


async def test_who_took_over_is_told_with_the_names_of_both() -> None:
    crm = a_system("crm", name="Old CRM", retired_on=NOW.date(), successor=SystemId("archive"))
    newest = a_registry(crm, a_system("archive", name="The archive"))
    succeeded = [{"system_id": "crm", "since": NOW.isoformat()}]
    [row] = await rows(newest, an_obligation("archive", "example-group", answers_for=succeeded))
    assert (row.system, row.took_over) == ("The archive", ("Old CRM",))
    assert row.organisation == "example-group Ltd"


async def test_a_system_that_no_version_has_is_told_by_its_id() -> None:
    [row] = await rows(a_registry(), an_obligation("unheard-of", "nobody"))
    assert (row.system, row.organisation, row.left_on) == ("unheard-of", "nobody", None)


def a_rule(name: str, counts_from: FactKind, term: str) -> Rule:
    return Rule(
        name=name,
        version=1,
        in_force_from=date(1900, 1, 1),
        rights=ALL_RIGHTS,
        counts_from=counts_from,
        term=Term.parse(term),
        citation="§ 7",
    )


def rules_with(*more: Rule) -> Rules:
    regime = a_regime()
    return the_rules(replace(regime, rules=(*regime.rules, *more)))


async def test_an_appeal_is_offered_where_the_pinned_rules_know_one_and_never_of_an_appeal() -> (
    None
):
    rules = rules_with(a_rule(ANSWER_APPEAL_BY, FactKind.APPEALED, "60 days"))
    assert (await told(a_request_view(), rules)).appeal == Appeal(by="§ 7", days=60)
    assert (await told(a_request_view(), the_rules())).appeal is None
    of_appeal = a_request_view(follows_why=FollowsWhy.APPEAL)
    assert (await told(of_appeal, rules)).appeal is None
    in_months = rules_with(a_rule(ANSWER_APPEAL_BY, FactKind.APPEALED, "2 months"))
    assert (await told(a_request_view(), in_months)).appeal == Appeal(by="§ 7", days=None)


async def test_until_when_a_refusal_can_be_complained_of_counts_from_when_it_is_told() -> None:
    rules = rules_with(a_rule(COMPLAIN_BY, FactKind.REFUSED, "30 days"))
    assert (await told(a_request_view(), rules)).complain_by == (NOW + days(30)).date()
    assert (await told(a_request_view(), the_rules())).complain_by is None
    earlier = a_request_view(outcome="refused", answered_at=NOW)
    assert (await told(earlier, rules, NOW + days(2))).complain_by == (NOW + days(30)).date()
    assert (await told(earlier, rules, NOW + days(31))).complain_by is None
