"""The community forum: an SQLite file, members known by email."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table(
        "members",
        "id integer primary key, email text not null, username text not null, country text",
    ),
    Table(
        "posts",
        "id integer primary key, member integer not null references members, "
        "title text not null, at text not null",
    ),
    Table(
        "reactions",
        "id integer primary key, post integer not null references posts, kind text not null",
    ),
    Table(
        "searches",
        "id integer primary key, member integer not null references members, words text not null",
    ),
    known_by={"email": "email"},
)
