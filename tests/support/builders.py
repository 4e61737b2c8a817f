"""Builders of the domain's values: each has sensible fields, and a test names those that it is about.

`a_thing(**changes)` gives the same value each time. Identifiers carry a marker, so that a test can
look for personal values where none belong.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dsr_core.acknowledgements import Acknowledgement, Exemption, SettledBy
from dsr_core.closing import Outcome
from dsr_core.identity import Identifier, Identity
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId, uuid7
from dsr_core.law.calendars import Term
from dsr_core.law.facts import FactKind
from dsr_core.law.rules import (
    ALL_RIGHTS,
    RESPOND_BY,
    Extension,
    Regime,
    Rule,
    Rules,
    Tier,
    TierAction,
)
from dsr_core.lifecycle import State
from dsr_core.plan import Scope
from dsr_core.registry import Organisation, OrganisationRole, Registry, System
from dsr_core.rights import Disposition, Right
from dsr_wire.codec.amendments import Amendment, Change
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.commands import Command, Decision, IdentityVerified
from dsr_wire.codec.escalations import Escalation, MissingSystem
from dsr_wire.codec.lifecycle import StateChange
from dsr_wire.codec.notices import Notice, SealedIdentity, SystemNotice
from dsr_wire.codec.obligations import OpenedObligations
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.codec.requests import AcceptedCohort, DatedTier
from dsr_wire.codec.rules import PublishedRules

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""The present of every builder."""

MARKER = "marked-person"
"""Part of every identifier's value that a builder makes, and of nothing else."""

SHA256_OF_NOTHING = bytes.fromhex(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)


def days(count: float) -> timedelta:
    """A number of days."""
    return timedelta(days=count)


def an_id(number: int = 1) -> str:
    """An id in the form of a UUIDv7, the same one for the same number."""
    return uuid7(1_772_443_800_000 + number, number.to_bytes(10, "big"))


def a_request_id(number: int = 1) -> RequestId:
    """A subject request's id."""
    return RequestId(an_id(number))


def a_cohort_id(number: int = 900) -> CohortId:
    """A cohort's id."""
    return CohortId(an_id(number))


def an_identifier(kind: str = "email", value: str = f"{MARKER}@example.com") -> Identifier:
    """An identifier whose value carries the marker."""
    return Identifier.of(kind, value)


def an_identity(*identifiers: Identifier) -> Identity:
    """An identity; of one email address unless told otherwise."""
    return Identity.of(identifiers or (an_identifier(),))


def an_exemption(**changes: Any) -> Exemption:
    """A ground on which invoices are kept for some years."""
    one = Exemption(
        ground="HGB 257", review_at=NOW + days(3650), categories=("user.financial",), records=3
    )
    return replace(one, **changes)


def an_acknowledgement(
    disposition: Disposition = Disposition.ERASED, *, sequence: int = 1, **changes: Any
) -> Acknowledgement:
    """An answer to a deletion, `erased` unless told otherwise; exempt ones bring their ground."""
    exempt = disposition in {Disposition.EXEMPT, Disposition.PARTIALLY_EXEMPT}
    one = Acknowledgement(
        request_id=a_request_id(),
        system_id=SystemId("crm"),
        right=Right.DELETION,
        disposition=disposition,
        sequence=sequence,
        answered_at=NOW,
        records=0 if disposition is Disposition.NOT_FOUND else 7,
        exemptions=(an_exemption(),) if exempt else (),
        reason="GDPR 5(1)(d)" if disposition is Disposition.REFUSED else "",
    )
    return replace(one, **changes)


def an_answer_by_people(
    disposition: Disposition = Disposition.ERASED, *, revision: int = 1, **changes: Any
) -> Acknowledgement:
    """An answer to the same deletion by two people in the system's place, a day after `NOW`."""
    by = SettledBy(proposed_by="operator-a", approved_by="operator-b", revision=revision)
    fields: dict[str, Any] = {
        "answered_at": NOW + days(1),
        "records": 0,
        "exemptions": (),
        "reason": "gone",
    }
    one = an_acknowledgement(disposition, sequence=0, settled_by=by)
    return replace(one, **(fields | changes))


def an_organisation(organisation_id: str = "example-group", **changes: Any) -> Organisation:
    """The company of the group."""
    one = Organisation(
        id=OrganisationId(organisation_id),
        name=f"{organisation_id} Ltd",
        role=OrganisationRole.COMPANY,
        country="US",
        region="us-west",
        owner="privacy-office",
        contact="privacy@example.com",
    )
    return replace(one, **changes)


def a_system(
    system_id: str = "crm", organisation_id: str = "example-group", **changes: Any
) -> System:
    """A system that can be asked for access and deletion."""
    one = System(
        id=SystemId(system_id),
        name=f"The {system_id} system",
        organisation_id=OrganisationId(organisation_id),
        owner=f"{system_id}-team",
        contact=f"{system_id}@example.com",
        region="us-west",
        rights=(Right.ACCESS, Right.DELETION),
        identifiers=("account_id", "email"),
        categories=("user.contact", "user.name"),
    )
    return replace(one, **changes)


def a_registry(*systems: System) -> Registry:
    """A registry of the given systems and their owners; without any, of two organisations' three."""
    chosen = systems or (
        a_system("billing", categories=("user.payment",), identifiers=("customer_number",)),
        a_system("crm"),
        a_system("mailer", "example-mail", categories=("user.contact.email",)),
    )
    owners = sorted({one.organisation_id for one in chosen})
    return Registry(tuple(an_organisation(one) for one in owners), tuple(chosen))


def a_regime(name: str = "default", **changes: Any) -> Regime:
    """A regime that gives 30 days for everything."""
    one = Regime(
        name=name,
        title=f"The {name} regime",
        citation="an example",
        zone="Etc/UTC",
        jurisdictions=(),
        rules=(
            Rule(
                name=RESPOND_BY,
                version=1,
                in_force_from=date(1900, 1, 1),
                rights=ALL_RIGHTS,
                counts_from=FactKind.RECEIVED,
                term=Term.parse("30 days"),
                citation="an example",
            ),
        ),
        tiers=(
            Tier(percent=50, action=TierAction.REMIND_SYSTEMS),
            Tier(percent=100, action=TierAction.RECORD_BREACH),
        ),
    )
    return replace(one, **changes)


def an_extending_regime(**changes: Any) -> Regime:
    """One that gives 30 days, and 30 more where the person is told of them in time."""
    one = a_regime(**changes)
    [rule] = one.rules
    extension = Extension(term=Term.parse("30 days"), citation="an example of more")
    return replace(one, rules=(replace(rule, extension=extension),))


def the_rules(*regimes: Regime) -> Rules:
    """Rules of the given regimes; without any, of the default alone."""
    return Rules(regimes or (a_regime(),))


def published_rules(rules: Rules | None = None, **changes: Any) -> PublishedRules:
    """Rules that were published just now."""
    return replace(PublishedRules(rules or the_rules(), NOW), **changes)


def an_accepted_cohort(**changes: Any) -> AcceptedCohort:
    """A cohort of two deletions."""
    one = AcceptedCohort(
        cohort_id=a_cohort_id(),
        right=Right.DELETION,
        regime="default",
        jurisdiction="DE",
        scope=Scope(("user.contact",), (OrganisationId("example-group"),)),
        identifier_kinds=("account_id", "email"),
        registry_digest=a_registry().digest,
        received_at=NOW - timedelta(hours=1),
        accepted_at=NOW,
        due_at=NOW + days(30),
        request_ids=(a_request_id(1), a_request_id(2)),
        rules_digest=the_rules().digest,
        tiers=(
            DatedTier(TierAction.REMIND_SYSTEMS, NOW + days(15)),
            DatedTier(TierAction.RECORD_BREACH, NOW + days(30)),
        ),
    )
    return replace(one, **changes)


def a_proof_command(**changes: Any) -> Command:
    """The command that it is proven who asks for a request, which is a cohort of one."""
    cohort = an_accepted_cohort()
    one = Command(
        cohort_id=CohortId(a_request_id()),
        request_id=a_request_id(),
        revision=1,
        effective_at=NOW,
        recorded_at=NOW,
        decision=IdentityVerified(method="operator", due_at=cohort.due_at, tiers=cohort.tiers),
    )
    return replace(one, **changes)


def a_command(decision: Decision, **changes: Any) -> Command:
    """A command that has a request leave its cohort and go on alone."""
    one = Command(
        cohort_id=a_cohort_id(),
        request_id=a_request_id(),
        revision=1,
        effective_at=NOW,
        recorded_at=NOW,
        decision=decision,
        alone=an_accepted_cohort(cohort_id=CohortId(a_request_id()), request_ids=(a_request_id(),)),
    )
    return replace(one, **changes)


def an_amendment(change: Change, **changes: Any) -> Amendment:
    """An amendment of what is owed for one request."""
    one = Amendment(
        cohort_id=a_cohort_id(),
        request_id=a_request_id(),
        revision=1,
        amended_at=NOW,
        effective_at=NOW,
        change=change,
    )
    return replace(one, **changes)


def an_escalation(**changes: Any) -> Escalation:
    """One organisation's system is missing as the legal date comes near."""
    one = Escalation(
        cohort_id=a_cohort_id(),
        right=Right.DELETION,
        regime="default",
        due_at=NOW + days(30),
        action=TierAction.ESCALATE_TO_ORGANISATION,
        escalated_at=NOW,
        missing=(MissingSystem(SystemId("crm"), OrganisationId("example-group"), 2),),
    )
    return replace(one, **changes)


def opened_obligations(**changes: Any) -> OpenedObligations:
    """The obligations of a cohort of two towards two systems."""
    one = OpenedObligations(
        cohort_id=a_cohort_id(),
        right=Right.DELETION,
        regime="default",
        registry_digest=a_registry().digest,
        due_at=NOW + days(30),
        opened_at=NOW,
        request_ids=(a_request_id(1), a_request_id(2)),
        systems=(
            (SystemId("crm"), OrganisationId("example-group")),
            (SystemId("mailer"), OrganisationId("example-mail")),
        ),
        received_at=NOW,
        scope=Scope(categories=("user.contact",)),
    )
    return replace(one, **changes)


def a_system_notice(system_id: str = "crm", **changes: Any) -> SystemNotice:
    """One system's part of a notice, for two requests."""
    one = SystemNotice(
        SystemId(system_id),
        tuple(SealedIdentity(a_request_id(number), b"sealed %d" % number) for number in (1, 2)),
        key_id="0123456789abcdef",
        sealed_key=b"a sealed key",
    )
    return replace(one, **changes)


def a_notice(**changes: Any) -> Notice:
    """The first notice to one organisation's system."""
    one = Notice(
        notice_id=f"{a_cohort_id()}/example-group/0",
        organisation_id=OrganisationId("example-group"),
        cohort_id=a_cohort_id(),
        right=Right.DELETION,
        regime="default",
        registry_digest=a_registry().digest,
        due_at=NOW + days(30),
        sent_at=NOW,
        reminder=0,
        scope=Scope(),
        systems=(a_system_notice(),),
    )
    return replace(one, **changes)


def a_closure(**changes: Any) -> Closure:
    """The closure of a fulfilled deletion."""
    one = Closure(
        request_id=a_request_id(),
        cohort_id=a_cohort_id(),
        right=Right.DELETION,
        outcome=Outcome.FULFILLED,
        closed_at=NOW,
        obligations=3,
        evidence_digest=SHA256_OF_NOTHING,
        registry_digest=a_registry().digest,
    )
    return replace(one, **changes)


def a_state_change(**changes: Any) -> StateChange:
    """A subject request that has just been closed."""
    one = StateChange(a_request_id(), State.CLOSED, Outcome.FULFILLED.value, NOW)
    return replace(one, **changes)


def a_published_registry(registry: Registry | None = None, **changes: Any) -> PublishedRegistry:
    """A registry version that was published just now."""
    return replace(PublishedRegistry(registry or a_registry(), NOW), **changes)
