"""Billing: tax law keeps the invoices, and everything else goes. PostgreSQL, customers by number.

The books must stay until ten years after the end of the year of the newest invoice (HGB 257,
AO 147), and an invoice names whom it is for. So a customer with invoices is partially exempt: the
answer says on what ground something is kept, how much, and when to look at it again. On that date
it is asked for just that, and lets it go. `DSR_EXAMPLE_BOOKS_KEPT_UNTIL` sets another date for all.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime

from dsr_examples.stores.postgres import Connection, PostgresStore
from dsr_examples.stores.schema import Erasure, Schema, Table
from dsr_sdk import (
    AccessRequest,
    Answer,
    DeletionRequest,
    Erased,
    Exempt,
    Heeded,
    NotFound,
    ObjectionRequest,
    PartiallyExempt,
    Refused,
    Row,
    Scope,
    Subscriber,
)

__all__ = ["SCHEMA", "subscribe"]

GROUND = "HGB 257 / AO 147"
KEPT_CATEGORIES = ("user.contact.address", "user.financial", "user.name")
_OTHER_CATEGORIES = ("user.payment",)
_YEARS = 10

CUSTOMERS = Table(
    "customers",
    "id integer primary key, customer_number text not null, name text not null, street text, "
    "city text, country text",
)
INVOICES = Table(
    "invoices",
    "id integer primary key, customer integer not null references customers, "
    "issued_on date not null, cents integer not null",
)
LINES = Table(
    "invoice_lines",
    "id integer primary key, invoice integer not null references invoices, text text not null, "
    "cents integer not null",
)
REMINDERS = Table(
    "payment_reminders",
    "id integer primary key, customer integer not null references customers, "
    "sent_at timestamptz not null",
)
PREFERENCES = Table(
    "preferences",
    "id integer primary key, customer integer not null references customers, language text, "
    "newsletter boolean not null",
)
_CATEGORIES = {
    **{one.name: KEPT_CATEGORIES for one in (CUSTOMERS, INVOICES, LINES)},
    **{one.name: _OTHER_CATEGORIES for one in (REMINDERS, PREFERENCES)},
}
SCHEMA = Schema(
    CUSTOMERS,
    INVOICES,
    LINES,
    REMINDERS,
    PREFERENCES,
    known_by={"customer_number": "customer_number"},
)


def subscribe(subscriber: Subscriber, store: PostgresStore) -> None:
    """Register handlers that keep what tax law keeps."""
    subscriber.honours_scope = True

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        async with store.transaction() as connection:
            erasures = await store.recorded(connection, requests)
            fresh = [one for one in requests if one.request_id not in erasures]
            new = await _erase(store, connection, fresh)
            await store.record(connection, new)
        erasures |= new
        return [_answer(erasures.get(one.request_id)) for one in requests]

    @subscriber.access
    async def access(request: AccessRequest) -> AsyncIterator[Row]:
        async for table, row in store.rows(request):
            if _means(request.scope, _CATEGORIES[table]):
                yield Row(table, row, _CATEGORIES[table])

    @subscriber.objection
    async def objection(request: ObjectionRequest) -> Answer:
        (held,) = await store.count([request])
        if request.is_of_marketing_alone:  # which no ground refuses, and billing sends none
            return Heeded(0)
        return (
            Refused("legal claims from the invoices (GDPR article 21(1))") if held else NotFound()
        )


async def _erase(
    store: PostgresStore, connection: Connection, requests: Sequence[DeletionRequest]
) -> dict[str, Erasure]:
    books = {one.request_id for one in requests if _means(one.scope, KEPT_CATEGORIES)}
    others = {one.request_id for one in requests if _means(one.scope, _OTHER_CATEGORIES)}
    customers = await store.find(connection, requests)
    reviews = {
        one: _review_at(issued_on)
        for one, issued_on in (await _newest_invoices(connection, list(customers))).items()
    }
    bound = {one for one, review_at in reviews.items() if review_at > datetime.now(UTC)}
    free = {one: key for one, key in customers.items() if key in books and one not in bound}
    erased: Counter[str] = Counter()
    for table in (REMINDERS, PREFERENCES):  # they go with their customer in any case
        asked = {one: key for one, key in customers.items() if key in others}
        erased += await store.delete(connection, table, asked | free)
    for table in (LINES, INVOICES, CUSTOMERS):
        erased += await store.delete(connection, table, free)
    invoiced = {one: key for one, key in customers.items() if key in books and one in bound}
    kept = await _kept(connection, invoiced)
    dates = {key: reviews[one] for one, key in invoiced.items()}
    return {
        request_id: Erasure(erased[request_id], kept[request_id], dates.get(request_id))
        for request_id in customers.values()
    }


def _means(scope: Scope, held: Sequence[str]) -> bool:
    """Tell whether some of these categories are asked about; a key covers the keys below it."""
    return not scope.categories or any(
        f"{one}.".startswith(f"{wanted}.") or f"{wanted}.".startswith(f"{one}.")
        for one in held
        for wanted in scope.categories
    )


async def _newest_invoices(connection: Connection, customers: list[int]) -> dict[int, date]:
    query = (
        "select customer, max(issued_on) from invoices where customer = any($1::int[]) group by 1"
    )
    return {one[0]: one[1] for one in await connection.fetch(query, customers)}


async def _kept(connection: Connection, invoiced: dict[int, str]) -> Counter[str]:
    """Count the rows that stay: the customer, the invoices and their lines."""
    query = """
        select customer, 1 + count(distinct invoices.id) + count(invoice_lines.id)
        from invoices left join invoice_lines on invoice_lines.invoice = invoices.id
        where customer = any($1::int[]) group by customer
    """
    kept: Counter[str] = Counter()
    for customer, count in await connection.fetch(query, list(invoiced)):
        kept[invoiced[customer]] += count
    return kept


def _review_at(newest: date) -> datetime:
    if until := os.environ.get("DSR_EXAMPLE_BOOKS_KEPT_UNTIL"):
        return datetime.fromisoformat(until)
    return datetime(newest.year + 1 + _YEARS, 1, 1, tzinfo=UTC)


def _answer(erasure: Erasure | None) -> Answer:
    if erasure is None:
        return NotFound()
    if not erasure.kept:
        return Erased(records=erasure.erased)
    if not erasure.erased:
        return Exempt(GROUND, erasure.review_at, KEPT_CATEGORIES, records=erasure.kept)
    return PartiallyExempt(
        GROUND, erasure.review_at, erasure.erased, erasure.kept, categories=KEPT_CATEGORIES
    )
