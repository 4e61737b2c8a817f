"""The account directory of the company: PostgreSQL, people known by account and email."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table(
        "accounts",
        "id integer primary key, account_id text not null, email text not null, "
        "username text not null, name text not null, phone text",
    ),
    Table(
        "addresses",
        "id integer primary key, account integer not null references accounts, street text, "
        "city text, country text",
    ),
    Table(
        "credentials",
        "id integer primary key, account integer not null references accounts, "
        "kind text not null, secret_hash text not null",
    ),
    Table(
        "sessions",
        "id integer primary key, account integer not null references accounts, "
        "ip_address text not null, started_at timestamptz not null",
    ),
    known_by={"account_id": "account_id", "email": "email"},
)
