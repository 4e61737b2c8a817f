"""Explaining: blockers with their owners, what comes by itself, and the next legal date."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest

from dsr_core.blockers import BlockerKind
from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId, SystemId
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import Rules
from dsr_core.lifecycle import Event, State
from dsr_core.registry import Registry, Sale
from dsr_core.rights import Disposition
from dsr_intake.application.dating import Dating
from dsr_intake.application.explaining import Explaining, Explanation
from dsr_intake.model import (
    DecisionEntry,
    Held,
    LegalHold,
    LetterKind,
    LetterState,
    Proposal,
    RequestView,
)
from dsr_intake.model.breaker import Stopped
from dsr_intake.model.links import LinkStep
from dsr_intake.ports.breaker import BreakerStore
from dsr_intake.ports.links import LinkStore
from support.builders import (
    NOW,
    a_registry,
    a_request_id,
    a_system,
    an_extending_regime,
    an_organisation,
    days,
    the_rules,
)
from support.fake_ledger import FakeLedger
from support.intake_fakes import (
    FakeDecisions,
    FakeHolds,
    FakeLetters,
    FakeProposals,
    FakeReads,
    FakeRegistryView,
    a_letter,
    a_request_view,
    no_holidays,
)


def an_obligation(system_id: str, **changes: object) -> dict[str, object]:
    one = {
        "system_id": system_id,
        "is_confirmed": False,
        "is_contradicted": False,
        "disposition": None,
        "answered_at": None,
        "retry_at": None,
        "reason": None,
    }
    return one | changes


async def explained(
    *obligations: dict[str, object] | None,
    after: timedelta = timedelta(),
    entries: tuple[DecisionEntry, ...] = (),
    letters: FakeLetters | None = None,
    held: tuple[Held, ...] = (),
    stopped: Stopped | None = None,
    newer: Registry | None = None,
    proposals: tuple[Proposal, ...] = (),
    others: tuple[RequestView, ...] = (),
    rules: Rules | None = None,
    undecided: tuple[LinkStep, ...] = (),
    phases: tuple[dict[str, object], ...] = (),
    **changes: Any,
) -> Explanation:
    ledger = FakeLedger()
    if obligations != (None,):
        ledger.document = {
            "opened_at": NOW.isoformat(),
            "obligations": list(obligations),
            "phases": phases,
        }
    explaining = Explaining(
        ledger=ledger,
        decisions=FakeDecisions(*entries),
        holds=FakeHolds(*held),
        breaker=AsyncMock(BreakerStore, **{"stopped.return_value": stopped}),
        registry=FakeRegistryView(
            newer or a_registry(), rules, former=[a_registry()] if newer else ()
        ),
        proposals=FakeProposals(*proposals),
        links=AsyncMock(LinkStore, **{"undecided.return_value": list(undecided)}),
        reads=FakeReads(*others),
        dating=Dating(no_holidays),
        letters=letters or FakeLetters(),
        privacy_office="privacy@example.com",
        clock=lambda: NOW + after,
    )
    return await explaining.explain(a_request_view(**changes))


async def test_a_blocker_names_its_owner_and_the_next_tier() -> None:
    why = await explained(an_obligation("billing"), an_obligation("crm", is_confirmed=True))
    [one] = why.blockers
    assert one.system is not None
    assert (one.system.id, one.system.owner) == ("billing", "billing-team")
    assert one.upcoming is not None
    assert one.upcoming.what == "the systems that have not confirmed are reminded"
    assert NOW < one.upcoming.at < NOW + days(16)
    assert why.next_date is not None
    assert why.next_date.name == "respond_by"


async def test_who_waits_its_turn_names_those_before_it_until_its_phase_is_told() -> None:
    owed = (
        an_obligation("billing", phase=0),
        an_obligation("mailer", phase=0, is_confirmed=True),
        an_obligation("crm", phase=1),
    )

    async def said(told_at: str | None) -> list[tuple[BlockerKind, str]]:
        phases = ({"phase": 0, "told_at": NOW.isoformat()}, {"phase": 1, "told_at": told_at})
        why = await explained(*owed, phases=phases)
        return [(one.blocker.kind, one.blocker.what) for one in why.blockers]

    unanswered, waiting = await said(None)
    assert unanswered[0] is BlockerKind.UNANSWERED
    assert waiting == (BlockerKind.WAITING, "crm waits for billing to be done first")
    assert {kind for kind, _ in await said(NOW.isoformat())} == {BlockerKind.UNANSWERED}


async def test_a_system_that_tries_again_itself_comes_before_the_next_tier() -> None:
    retry_at = NOW + timedelta(hours=1)
    failed = an_obligation("crm", disposition="failed", retry_at=retry_at.isoformat())
    [one] = (await explained(failed)).blockers
    assert one.blocker.kind is BlockerKind.FAILED
    assert one.upcoming is not None
    assert (one.upcoming.at, one.upcoming.what) == (retry_at, "crm tries again")


async def test_past_the_last_date_nothing_is_promised_any_more() -> None:
    why = await explained(an_obligation("crm"), after=days(40))
    assert why.next_date is None
    assert why.blockers[0].upcoming is None


async def test_before_the_ledger_knows_the_request_nobody_is_blamed() -> None:
    [one] = (await explained(None)).blockers
    assert one.blocker.kind is BlockerKind.NOT_OPENED
    assert (one.system, one.upcoming) == (None, None)


async def test_a_request_that_awaits_a_proof_says_when_that_ends() -> None:
    [one] = (await explained(None, state=State.AWAITING_IDENTITY, identity_proven_at=None)).blockers
    assert one.blocker.kind is BlockerKind.IDENTITY_NOT_PROVEN
    assert one.upcoming is not None
    assert one.upcoming.what == "it ends as not verified"


async def test_an_appeal_that_is_not_decided_is_the_privacy_offices() -> None:
    [one] = (await explained(None, state=State.AWAITING_DECISION)).blockers
    assert one.blocker.kind is BlockerKind.APPEAL_UNDECIDED
    assert (one.blocker.since, one.owner) == (NOW, "Privacy office")
    assert one.upcoming is not None
    assert one.upcoming.what == "the privacy office is reminded"


async def test_an_answered_request_has_no_blockers() -> None:
    why = await explained(
        an_obligation("crm", is_confirmed=True),
        state=State.ANSWERED,
        closed_at=NOW,
        answered_at=NOW,
    )
    assert why.blockers == ()


async def test_an_answer_of_the_verifier_that_cannot_be_read_is_no_answer() -> None:
    with pytest.raises(Unavailable):
        await explained({"system_id": "crm"})


async def test_rules_that_have_not_arrived_are_waited_for() -> None:
    with pytest.raises(Unavailable):
        await explained(an_obligation("crm"), rules_digest="other")


async def test_a_question_to_the_person_is_theirs_to_answer_since_it_was_asked() -> None:
    asked = Fact(FactKind.CLARIFICATION_ASKED, NOW + days(1))
    why = await explained(
        an_obligation("billing"), state=State.AWAITING_CLARIFICATION, facts=(asked,)
    )
    [one] = why.blockers
    assert one.blocker.kind is BlockerKind.CLARIFICATION_AWAITED
    assert (one.blocker.since, one.blocker.owner) == (NOW + days(1), "the requester")
    assert one.system is None


async def test_what_stops_waits_for_the_systems_until_the_legal_date() -> None:
    entry = DecisionEntry(
        request_id=a_request_id(),
        revision=1,
        kind=Event.WITHDRAW,
        decided_by="client 1",
        reason="taken back",
        effective_at=NOW + days(2),
        recorded_at=NOW + days(2),
        details={},
    )
    why = await explained(an_obligation("billing"), state=State.STOPPING, entries=(entry,))
    [one] = why.blockers
    assert (one.blocker.kind, one.blocker.since) == (BlockerKind.STOPPING, NOW + days(2))
    assert one.system is not None
    assert one.upcoming is not None
    assert one.upcoming.at == NOW + days(30)


async def test_a_closed_request_waits_for_the_next_try_of_its_letter() -> None:
    letters = FakeLetters(a_letter(next_try_at=NOW + days(1)))
    why = await explained(None, letters=letters, state=State.CLOSED, closed_at=NOW)
    [one] = why.blockers
    assert (one.blocker.kind, one.owner) == (BlockerKind.NOT_ANSWERED, None)
    assert one.upcoming is not None
    assert one.upcoming.at == NOW + days(1)


async def test_a_letter_that_bounced_is_the_privacy_office_s() -> None:
    bounced = a_letter(state=LetterState.BOUNCED, settled_at=NOW + days(2), next_try_at=None)
    letters = FakeLetters(bounced)
    why = await explained(None, letters=letters, state=State.CLOSED, closed_at=NOW)
    [one] = why.blockers
    assert (one.blocker.kind, one.blocker.since) == (BlockerKind.LETTER_BOUNCED, NOW + days(2))
    assert (one.owner, one.contact) == ("Privacy office", "privacy@example.com")
    assert one.upcoming is None


async def test_an_extension_nobody_was_told_of_is_at_risk_until_its_date_and_keeps_nothing_open() -> (
    None
):
    rules = the_rules(an_extending_regime())
    bounced = a_letter(
        kind=LetterKind.EXTENDED,
        state=LetterState.BOUNCED,
        settled_at=NOW + days(2),
        next_try_at=None,
    )
    decided = Fact(FactKind.EXTENSION_DECIDED, NOW + days(1))

    async def found(*facts: Fact, after: int = 3) -> Explanation:
        return await explained(
            an_obligation("crm"),
            after=days(after),
            letters=FakeLetters(bounced),
            facts=facts,
            rules=rules,
            rules_digest=rules.digest,
        )

    why = await found(decided)
    assert len(why.blockers) == 1
    assert why.at_risk is not None
    assert "came back" in why.at_risk.what
    assert (why.at_risk.owner, why.at_risk.contact) == ("Privacy office", "privacy@example.com")
    assert (why.at_risk.since, why.at_risk.upcoming) == (NOW + days(2), None)
    assert why.at_risk.by is not None
    assert days(30) <= why.at_risk.by - NOW < days(31)
    told = Fact(FactKind.EXTENSION_NOTIFIED, NOW + days(2))
    assert (await found(decided, told)).at_risk is None
    again = Fact(FactKind.EXTENSION_CAME_BACK, NOW + days(2))
    assert (await found(decided, told, again)).at_risk is not None
    assert (await found(decided, after=40)).at_risk is None


def a_hold(request_id: RequestId, *system_ids: str) -> Held:
    hold = LegalHold(
        hold_id="hold-1",
        request_id=None,
        authority="District Court",
        reason="litigation",
        placed_by="legal desk",
        effective_at=NOW - days(1),
        recorded_at=NOW,
    )
    systems = tuple(SystemId(one) for one in system_ids)
    return Held(hold=hold, request_id=request_id, system_ids=systems, held_at=NOW)


async def test_a_hold_is_whose_ordered_it_and_since_it_took_effect() -> None:
    held = a_hold(a_request_id(), "billing")
    why = await explained(
        an_obligation("billing"), an_obligation("crm"), state=State.ON_HOLD, held=(held,)
    )
    one, other = why.blockers
    assert (one.blocker.kind, one.blocker.hold_id) == (BlockerKind.LEGAL_HOLD, "hold-1")
    assert (one.blocker.owner, one.blocker.since) == ("District Court", NOW - days(1))
    assert other.blocker.system_id == "crm"
    asked = Fact(FactKind.CLARIFICATION_ASKED, NOW)
    why = await explained(
        an_obligation("billing"),
        an_obligation("crm"),
        state=State.AWAITING_CLARIFICATION,
        facts=(asked,),
        held=(held,),
    )
    assert [each.blocker.kind for each in why.blockers] == [
        BlockerKind.LEGAL_HOLD,
        BlockerKind.CLARIFICATION_AWAITED,
    ]


async def test_who_was_not_told_is_the_privacy_offices_and_no_systems() -> None:
    stopped = Stopped(organisation_ids=("example-group",), since=NOW)
    [one] = (await explained(an_obligation("crm"), stopped=stopped)).blockers
    assert one.blocker.kind is BlockerKind.BREAKER
    assert (one.owner, one.contact) == ("Privacy office", "privacy@example.com")


def retired(successor: str | None = None) -> Registry:
    """A version in which `crm` is retired and `archive` has joined."""
    name = SystemId(successor) if successor else None
    others = [one for one in a_registry().systems if one.id != "crm"]
    crm = a_system("crm", retired_on=NOW.date(), successor=name)
    return a_registry(crm, a_system("archive"), *others)


async def test_a_system_that_joined_since_is_its_team_s() -> None:
    [one] = (await explained(an_obligation("archive"), newer=retired())).blockers
    assert (one.owner, one.contact) == ("archive-team", "archive@example.com")


async def test_a_system_that_is_out_of_use_is_its_organisation_s() -> None:
    [one] = (await explained(an_obligation("crm"), newer=retired())).blockers
    assert (one.owner, one.contact) == ("privacy-office", "privacy@example.com")
    assert one.blocker.what == (
        f"crm has not answered; it was retired on {NOW.date()}: two people can answer for it"
    )
    without = a_registry(*(each for each in a_registry().systems if each.id != "crm"))
    [one] = (await explained(an_obligation("crm"), newer=without)).blockers
    assert one.owner == "privacy-office"
    assert one.blocker.what.endswith("it is in the registry no more: two people can answer for it")


async def test_a_successor_is_asked_since_it_took_over_and_its_team_owns_that() -> None:
    since = NOW + days(3)
    took_over = {"answers_for": [{"system_id": "crm", "since": since.isoformat()}]}
    before = {"disposition": "erased", "answered_at": (NOW + days(1)).isoformat()}
    for said in ({}, before):
        owed = an_obligation("archive", **took_over, **said)
        [one] = (await explained(owed, newer=retired("archive"))).blockers
        assert (one.blocker.kind, one.blocker.since) == (BlockerKind.UNANSWERED, since)
        assert one.blocker.what.startswith("archive (for crm as well) has not answered")
        assert one.owner == "archive-team"


async def test_a_system_that_was_sold_is_the_privacy_office_s_from_that_day_on() -> None:
    def sold(days_ago: int) -> Registry:
        sale = Sale(on=(NOW - days(days_ago)).date(), to="a buyer")
        organisations = (an_organisation(), an_organisation("example-mail", sold=sale))
        return Registry(organisations, a_registry().systems)

    [one] = (await explained(an_obligation("mailer"), newer=sold(1))).blockers
    assert (one.owner, one.contact) == ("Privacy office", "privacy@example.com")
    assert "example-mail has left the group on" in one.blocker.what
    [one] = (await explained(an_obligation("mailer"), newer=sold(-9))).blockers
    assert one.owner == "mailer-team"


async def test_a_hold_on_a_retired_system_keeps_its_successor_open() -> None:
    hold = LegalHold(
        hold_id="hold-1",
        request_id=None,
        authority="District Court",
        reason="litigation",
        placed_by="legal desk",
        effective_at=NOW,
        recorded_at=NOW,
    )
    held = Held(hold=hold, request_id=a_request_id(), system_ids=(SystemId("crm"),), held_at=NOW)
    owed = an_obligation("archive")
    why = await explained(owed, newer=retired("archive"), state=State.ON_HOLD, held=(held,))
    [one] = why.blockers
    assert (one.blocker.kind, one.owner) == (BlockerKind.LEGAL_HOLD, "District Court")


async def test_before_systems_are_asked_all_that_will_keep_it_open_is_named() -> None:
    why = await explained(
        None,
        state=State.AWAITING_AUTHORITY,
        identity_proven_at=None,
        held=(a_hold(a_request_id(), "billing"),),
    )
    assert [one.blocker.kind for one in why.blockers] == [
        BlockerKind.AUTHORITY_NOT_PROVEN,
        BlockerKind.IDENTITY_NOT_PROVEN,
        BlockerKind.LEGAL_HOLD,
    ]
    elsewhere = (a_hold(a_request_id(), "elsewhere"),)
    [one] = (await explained(None, held=elsewhere)).blockers
    assert one.blocker.kind is BlockerKind.NOT_OPENED


async def test_a_proposed_answer_waits_for_another_person_than_who_proposed_it() -> None:
    proposal = Proposal(
        proposal_id="1",
        request_id=a_request_id(),
        system_id=SystemId("billing"),
        disposition=Disposition.ERASED,
        reason="the machine was scrapped",
        proposed_by="first operator",
        proposed_at=NOW + days(1),
    )
    owed = (an_obligation("billing", disposition="failed"), an_obligation("crm"))
    one, other = (await explained(*owed, proposals=(proposal,))).blockers
    assert (one.blocker.kind, one.blocker.since) == (BlockerKind.NOT_SIGNED, NOW + days(1))
    assert (one.owner, one.contact) == ("Privacy office", "privacy@example.com")
    assert "first operator has proposed" in one.blocker.what
    assert other.blocker.kind is BlockerKind.UNANSWERED
    approved = replace(proposal, approved_by="second operator", approved_at=NOW + days(2))
    one, other = (await explained(*owed, proposals=(approved,))).blockers
    assert one.blocker.kind is BlockerKind.FAILED


async def test_a_duplicate_is_kept_open_by_what_was_decided_about_the_first() -> None:
    first = a_request_view(request_id=a_request_id(7), state=State.ON_HOLD)
    why = await explained(
        an_obligation("billing"),
        duplicate_of=first.request_id,
        others=(first,),
        held=(a_hold(first.request_id),),
    )
    [one] = why.blockers
    assert one.blocker.kind is BlockerKind.LEGAL_HOLD
