"""Registrations for events: JSON Lines, guests known by email."""

from dsr_examples.stores.schema import Schema, Store, Table, statements
from dsr_examples.systems import standard
from dsr_sdk import Subscriber

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("guests", "id, email, name, country"),
    Table("registrations", "id, guest references guests, event, at"),
    statements("guests"),
    known_by={"email": "email"},
    corrects={"user.name": "name"},
)


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register the handlers: what is standard, and the one that corrects a name."""
    standard.subscribe(subscriber, store)
    standard.subscribe_correction(subscriber, store, SCHEMA)
