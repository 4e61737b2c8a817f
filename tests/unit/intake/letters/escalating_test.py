"""Whom an escalation is mailed to, by whose the missing systems are."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

import pytest
from typer.main import get_command

from dsr_cli.commands import appeal, request
from dsr_core.ids import CohortId, OrganisationId, SystemId
from dsr_core.law.rules import TierAction
from dsr_core.registry import Registry, Sale
from dsr_core.rights import Right
from dsr_intake.application.letters.escalating import Escalating, mails
from dsr_wire.codec.escalations import Escalation, MissingSystem, UnusableExport
from support.builders import (
    NOW,
    a_cohort_id,
    a_registry,
    a_request_id,
    an_escalation,
    an_organisation,
    days,
)
from support.intake_fakes import FakeRegistryView

OFFICE = "office@example.com"


def told(sold_on: date | None) -> dict[str, str]:
    """Who is told of each organisation's systems."""
    sale = Sale(on=sold_on, to="a buyer") if sold_on else None
    mail = an_organisation("example-mail", contact="mail@example.com", sold=sale)
    escalating = Escalating(
        registry=FakeRegistryView(Registry((an_organisation(), mail), a_registry().systems)),
        mailer=cast(Any, None),
        sender="privacy@example.com",
        privacy_office=OFFICE,
        clock=lambda: NOW,
    )
    missing = {"crm": "example-group", "mailer": "example-mail", "old": "forgotten"}
    one = Escalation(
        cohort_id=a_cohort_id(),
        right=Right.DELETION,
        regime="gdpr",
        due_at=NOW + days(7),
        action=TierAction.ESCALATE_TO_ORGANISATION,
        escalated_at=NOW,
        missing=tuple(
            MissingSystem(SystemId(system), OrganisationId(owner), 1)
            for system, owner in missing.items()
        ),
    )
    return {
        system: mail.to
        for mail in escalating.mails(one)
        for system in missing
        if f"- {system} (" in mail.written.text
    }


def test_what_was_sold_and_what_is_in_no_registry_any_more_is_the_offices() -> None:
    assert told((NOW - days(1)).date()) == {
        "crm": "privacy@example.com",
        "mailer": OFFICE,
        "old": OFFICE,
    }


def test_an_organisation_is_told_itself_until_the_day_of_its_sale() -> None:
    assert told(None)["mailer"] == told((NOW + days(1)).date())["mailer"] == "mail@example.com"


@pytest.mark.parametrize("action", TierAction)
def test_of_an_appeal_the_privacy_office_is_told_at_every_tier(action: TierAction) -> None:
    one = Escalation(
        cohort_id=CohortId(a_request_id()),
        right=Right.DELETION,
        regime="vcdpa",
        due_at=NOW,
        action=action,
        escalated_at=NOW,
        missing=(),
        awaits_decision=True,
    )
    [mail] = mails(one, {}, privacy_office="office@example.com", domain="example.com")
    assert mail.to == "office@example.com"
    assert "ppeal" in mail.written.subject
    assert a_request_id() in mail.identification
    assert f"dsr appeal grant {a_request_id()}" in mail.written.text


def test_the_same_tier_of_another_date_is_another_message() -> None:
    def named(due_at: datetime) -> set[str]:
        one = an_escalation(due_at=due_at)
        written = mails(one, {}, privacy_office=OFFICE, domain="example.com")
        return {mail.identification for mail in written}

    assert named(NOW) == named(NOW)
    assert named(NOW).isdisjoint(named(NOW + days(60)))


@pytest.mark.parametrize(
    ("contacts", "to"), [({"example-group": "g@example.com"}, "g@example.com"), ({}, OFFICE)]
)
def test_of_an_export_that_cannot_be_used_its_owner_is_told_else_the_privacy_office(
    contacts: dict[str, str], to: str
) -> None:
    one = an_escalation(unusable=UnusableExport(a_request_id(), "corrupted_part"))
    [mail] = mails(one, contacts, privacy_office=OFFICE, domain="example.com")
    assert mail.to == to
    assert mail.identification == f"<corrupted_part.crm.{a_request_id()}@example.com>"
    assert "An export of yours" in mail.written.subject
    assert "crm (example-group)" in mail.written.text
    assert "corrupted_part" in mail.written.text
    assert a_request_id() in mail.written.text


def test_the_commands_that_the_mail_of_an_appeal_names_are_those_that_there_are() -> None:
    one = Escalation(
        cohort_id=CohortId(a_request_id()),
        right=Right.DELETION,
        regime="vcdpa",
        due_at=NOW,
        action=TierAction.RECORD_BREACH,
        escalated_at=NOW,
        missing=(),
        awaits_decision=True,
    )
    [mail] = mails(one, {}, privacy_office="office@example.com", domain="example.com")
    named = [line.split()[1:] for line in mail.written.text.splitlines() if line[:4] == "dsr "]
    assert [words[:2] for words in named] == [["appeal", "grant"], ["request", "refuse"]]
    groups: dict[str, Any] = {
        "appeal": get_command(appeal.app),
        "request": get_command(request.app),
    }
    for group, name, *arguments in named:
        given = groups[group].commands[name].make_context(name, list(arguments)).params
        assert given["apply"]
        assert given["reason"] == "TEXT"
