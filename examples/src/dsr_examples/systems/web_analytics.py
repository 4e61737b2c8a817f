"""What browsers did on the site: PostgreSQL, people known by cookies, often by several."""

from dsr_examples.stores.schema import Schema, Store, Table, opt_outs
from dsr_examples.systems import standard
from dsr_sdk import Subscriber, SuppressionKind

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
    opt_outs("visitors"),
    known_by={"cookie_id": "cookie_id"},
)


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register the handlers: what is standard, and the one that stops use and passing on."""
    standard.subscribe(subscriber, store)
    standard.subscribe_opt_out(subscriber, store, SuppressionKind.SALE_OR_SHARING)
