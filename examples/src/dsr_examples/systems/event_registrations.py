"""Registrations for events: JSON Lines, guests known by email."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("guests", "id, email, name, country"),
    Table("registrations", "id, guest references guests, event, at"),
    known_by={"email": "email"},
)
