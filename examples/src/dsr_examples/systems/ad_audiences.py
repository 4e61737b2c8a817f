"""Advertising audiences: CSV, people known by cookie and email."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("members", "id, cookie_id, email"),
    Table("memberships", "id, member references members, segment, added_at"),
    known_by={"cookie_id": "cookie_id", "email": "email"},
    file_format="csv",
)
