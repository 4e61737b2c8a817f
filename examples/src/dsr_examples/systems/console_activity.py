"""What people did in the console: PostgreSQL, people known by account."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("operators", "id integer primary key, account_id text not null, language text"),
    Table(
        "sign_ins",
        "id integer primary key, operator integer not null references operators, "
        "ip_address text not null, at timestamptz not null",
    ),
    Table(
        "commands",
        "id integer primary key, sign_in integer not null references sign_ins, "
        "command text not null, at timestamptz not null",
    ),
    Table(
        "searches",
        "id integer primary key, operator integer not null references operators, "
        "words text not null, at timestamptz not null",
    ),
    known_by={"account_id": "account_id"},
)
