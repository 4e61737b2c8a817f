"""What browsers did on the site: PostgreSQL, people known by cookies, often by several."""

from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("visitors", "id integer primary key, cookie_id text not null, ip_address text"),
    Table(
        "visits",
        "id integer primary key, visitor integer not null references visitors, browser text, "
        "at timestamptz not null",
    ),
    Table(
        "page_views",
        "id integer primary key, visit integer not null references visits, path text not null",
    ),
    known_by={"cookie_id": "cookie_id"},
)
