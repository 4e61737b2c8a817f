"""Identity documents and what was decided on them: an SQLite file, people known by account."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("applicants", "id integer primary key, account_id text not null, name text not null"),
    Table(
        "documents",
        "id integer primary key, applicant integer not null references applicants, "
        "kind text not null, number text not null",
    ),
    Table(
        "decisions",
        "id integer primary key, document integer not null references documents, "
        "outcome text not null, at text not null",
    ),
    known_by={"account_id": "account_id"},
)
