"""Advertising audiences: CSV, people known by cookie and email."""

from dsr_examples.stores.schema import Schema, Store, Table, opt_outs
from dsr_examples.systems import standard
from dsr_sdk import Subscriber, SuppressionKind

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("members", "id, cookie_id, email"),
    Table("memberships", "id, member references members, segment, added_at"),
    opt_outs("members"),
    known_by={"cookie_id": "cookie_id", "email": "email"},
    file_format="csv",
)


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register the handlers: what is standard, and the one that stops use and passing on."""
    standard.subscribe(subscriber, store)
    standard.subscribe_opt_out(subscriber, store, SuppressionKind.SALE_OR_SHARING)
