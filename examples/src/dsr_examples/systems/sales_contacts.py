"""Sales contacts: an SQLite file, people known by email and phone."""

from dsr_examples.stores.schema import Schema, Store, Table, restrictions, statements
from dsr_examples.systems import standard
from dsr_sdk import Subscriber

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table(
        "contacts",
        "id integer primary key, email text not null, phone text, name text not null, country text",
    ),
    Table(
        "meetings",
        "id integer primary key, contact integer not null references contacts, at text not null",
    ),
    Table(
        "notes",
        "id integer primary key, meeting integer not null references meetings, text text not null",
    ),
    restrictions("contacts"),
    statements("contacts"),
    known_by={"email": "email", "phone": "phone"},
    corrects={"user.name": "name"},
)


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register the handlers: what is standard, and those that correct a name and keep without use."""
    standard.subscribe(subscriber, store)
    standard.subscribe_correction(subscriber, store, SCHEMA)
    standard.subscribe_restriction(subscriber, store)
