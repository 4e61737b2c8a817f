"""What the company, its affiliate and its subsidiaries hold on one person."""

from __future__ import annotations

from collections.abc import Callable

from dsr_examples.people import Person
from dsr_examples.seeding.draw import Draw
from dsr_examples.stores.schema import Rows

__all__ = ["GROUP"]

_COMMANDS = ("instance list", "bucket create", "key rotate", "cluster resize", "bill show")
_EVENTS = ("Cloud day", "Storage seminar", "Security workshop", "Developer evening")


def _accounts(rows: Rows, person: Person, draw: Draw) -> None:
    username = person.email.partition("@")[0]
    account = rows.add(
        "accounts", person.account_id, person.email, username, person.name, person.phone
    )
    rows.add("addresses", account, person.street, person.city, person.country)
    for kind in ("password", "recovery code")[: draw.number(1, 2)]:
        rows.add("credentials", account, kind, draw.hexadecimal(64))
    for _ in draw.times(0, 4):
        rows.add("sessions", account, draw.ip_address(), draw.moment())


def _console_activity(rows: Rows, person: Person, draw: Draw) -> None:
    operator = rows.add("operators", person.account_id, person.language)
    for _ in draw.times(1, 3):
        at = draw.moment()
        sign_in = rows.add("sign_ins", operator, draw.ip_address(), at)
        for _ in draw.times(0, 4):
            rows.add("commands", sign_in, draw.one_of(_COMMANDS), at)
    for _ in draw.times(0, 2):
        rows.add("searches", operator, draw.words(), draw.moment())


def _sales_contacts(rows: Rows, person: Person, draw: Draw) -> None:
    contact = rows.add("contacts", person.email, person.phone, person.name, person.country)
    for _ in draw.times(0, 3):
        meeting = rows.add("meetings", contact, draw.moment())
        for _ in draw.times(0, 2):
            rows.add("notes", meeting, draw.words())


def _billing(rows: Rows, person: Person, draw: Draw) -> None:
    customer = rows.add(
        "customers", person.customer_number, person.name, person.street, person.city, person.country
    )
    for _ in draw.times(0, 5) if draw.percent(75) else ():
        lines = [draw.number(100, 90_000) for _ in draw.times(1, 3)]
        invoice = rows.add("invoices", customer, draw.day(), sum(lines))
        for cents in lines:
            rows.add("invoice_lines", invoice, draw.words(), cents)
    for _ in draw.times(0, 2):
        rows.add("payment_reminders", customer, draw.moment())
    rows.add("preferences", customer, person.language, draw.percent(50))


def _identity_checks(rows: Rows, person: Person, draw: Draw) -> None:
    applicant = rows.add("applicants", person.account_id, person.name)
    for _ in draw.times(1, 2):
        kind = draw.one_of(("passport", "driving licence", "national id"))
        document = rows.add("documents", applicant, kind, f"X{draw.number(10**7, 10**8 - 1)}")
        rows.add("decisions", document, draw.one_of(("accepted", "unclear")), draw.moment())


def _community_forum(rows: Rows, person: Person, draw: Draw) -> None:
    member = rows.add("members", person.email, f"cloud-{draw.hexadecimal(6)}", person.country)
    for _ in draw.times(0, 4):
        post = rows.add("posts", member, draw.words(), draw.moment())
        for _ in draw.times(0, 3):
            rows.add("reactions", post, draw.one_of(("helpful", "thanks", "same here")))
    for _ in draw.times(0, 3):
        rows.add("searches", member, draw.words())


def _event_registrations(rows: Rows, person: Person, draw: Draw) -> None:
    guest = rows.add("guests", person.email, person.name, person.country)
    for _ in draw.times(1, 3):
        rows.add("registrations", guest, draw.one_of(_EVENTS), draw.moment())


def _regional_accounts(rows: Rows, person: Person, draw: Draw) -> None:
    profile = rows.add("profiles", person.account_id, person.email, person.name)
    for _ in draw.times(0, 3):
        zone = draw.one_of(("ap-southeast", "ap-northeast"))
        rows.add("sign_ins", profile, zone, draw.moment())
    rows.add("tokens", profile, draw.hexadecimal(64))


GROUP: dict[str, Callable[[Rows, Person, Draw], None]] = {
    "accounts": _accounts,
    "billing": _billing,
    "community-forum": _community_forum,
    "console-activity": _console_activity,
    "event-registrations": _event_registrations,
    "identity-checks": _identity_checks,
    "regional-accounts": _regional_accounts,
    "sales-contacts": _sales_contacts,
}
"""Each adds one person's rows."""
