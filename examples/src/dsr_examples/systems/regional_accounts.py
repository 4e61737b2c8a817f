"""The regional copy of the account directory: PostgreSQL, people known by account."""

from dsr_examples.stores.schema import Schema, Store, Table, statements
from dsr_examples.systems import standard
from dsr_sdk import Subscriber

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table(
        "profiles",
        "id integer primary key, account_id text not null, email text not null, name text not null",
    ),
    Table(
        "sign_ins",
        "id integer primary key, profile integer not null references profiles, "
        "zone text not null, at timestamptz not null",
    ),
    Table(
        "tokens",
        "id integer primary key, profile integer not null references profiles, "
        "token_hash text not null",
    ),
    statements("profiles"),
    known_by={"account_id": "account_id"},
    corrects={"user.name": "name"},
)


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register the handlers: what is standard, and the one that corrects a name."""
    standard.subscribe(subscriber, store)
    standard.subscribe_correction(subscriber, store, SCHEMA)
