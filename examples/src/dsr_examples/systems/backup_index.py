"""The index of backed-up records: JSON Lines, people known by account and customer number."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("owners", "id, account_id, customer_number, email"),
    Table("objects", "id, owner references owners, path, bytes"),
    Table("copies", "id, object references objects, medium, taken_at"),
    known_by={"account_id": "account_id", "customer_number": "customer_number"},
)
