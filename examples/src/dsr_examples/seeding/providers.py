"""What the service providers hold on one person."""

from __future__ import annotations

from collections.abc import Callable

from dsr_examples.people import Person
from dsr_examples.seeding.draw import Draw
from dsr_examples.stores.schema import Rows

__all__ = ["PROVIDERS"]

_BROWSERS = ("Firefox", "Chrome", "Safari", "Edge")
_SEGMENTS = ("developers", "students", "start-ups", "storage buyers", "events nearby")
_MODELS = (("phone", "Android"), ("phone", "iOS"), ("laptop", "Linux"), ("tablet", "iPadOS"))


def _newsletter(rows: Rows, person: Person, draw: Draw) -> None:
    subscriber = rows.add("subscribers", person.email, person.name, person.language)
    for _ in draw.times(1, 5):
        sent_at = draw.moment()
        delivery = rows.add("deliveries", subscriber, draw.words(), sent_at)
        if draw.percent(40):
            rows.add("openings", delivery, sent_at)


def _payment_methods(rows: Rows, person: Person, draw: Draw) -> None:
    payer = rows.add("payers", person.customer_number)
    for _ in draw.times(1, 2):
        expires = f"{draw.number(1, 12):02}/{draw.number(27, 31)}"
        last_four = f"{draw.number(0, 9999):04}"
        rows.add("cards", payer, f"tok-{draw.hexadecimal(16)}", last_four, expires)
    if draw.percent(40):
        rows.add("bank_accounts", payer, f"XX00 **** {draw.number(1000, 9999)}")


def _support_desk(rows: Rows, person: Person, draw: Draw) -> None:
    contact = rows.add("contacts", person.email, person.phone, person.name)
    for _ in draw.times(1, 3):
        opened_at = draw.moment()
        case = rows.add("cases", contact, draw.words(), opened_at)
        for _ in draw.times(1, 3):
            message = rows.add("messages", case, draw.words(), opened_at)
            if draw.percent(20):
                rows.add("attachments", message, f"{draw.hexadecimal(8)}.png")


def _web_analytics(rows: Rows, person: Person, draw: Draw) -> None:
    for cookie_id in person.cookie_ids:
        visitor = rows.add("visitors", cookie_id, draw.ip_address())
        for _ in draw.times(1, 3):
            visit = rows.add("visits", visitor, draw.one_of(_BROWSERS), draw.moment())
            for _ in draw.times(1, 3):
                rows.add("page_views", visit, f"/{draw.words().replace(' ', '-')}")


def _app_telemetry(rows: Rows, person: Person, draw: Draw) -> None:
    for device_id in person.device_ids:
        device = rows.add("devices", device_id, *draw.one_of(_MODELS))
        for _ in draw.times(1, 4):
            version = f"3.{draw.number(0, 9)}"
            launch = rows.add("launches", device, version, draw.moment())
            if draw.percent(10):
                rows.add("crashes", launch, draw.one_of(("out of memory", "time-out", "network")))


def _ad_audiences(rows: Rows, person: Person, draw: Draw) -> None:
    for cookie_id in person.cookie_ids:
        member = rows.add("members", cookie_id, person.email)
        for _ in draw.times(1, 3):
            rows.add("memberships", member, draw.one_of(_SEGMENTS), draw.day())


def _backup_index(rows: Rows, person: Person, draw: Draw) -> None:
    owner = rows.add("owners", person.account_id, person.customer_number, person.email)
    for _ in draw.times(1, 3):
        size = draw.number(1_000, 9_000_000)
        object_ = rows.add("objects", owner, f"/{draw.hexadecimal(12)}", size)
        for medium in ("disk", "tape")[: draw.number(1, 2)]:
            rows.add("copies", object_, medium, draw.day())


PROVIDERS: dict[str, Callable[[Rows, Person, Draw], None]] = {
    "ad-audiences": _ad_audiences,
    "app-telemetry": _app_telemetry,
    "backup-index": _backup_index,
    "newsletter": _newsletter,
    "payment-methods": _payment_methods,
    "support-desk": _support_desk,
    "web-analytics": _web_analytics,
}
"""Each adds one person's rows."""
