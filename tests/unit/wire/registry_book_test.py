"""The registry book: versions by digest for ever, the newest as current, keys as last registered."""

from __future__ import annotations

import pytest

from dsr_contracts.v1 import lifecycle_pb2
from dsr_core.errors import RejectedInput
from dsr_wire.codec.lifecycle import cohort_answered_to_wire
from dsr_wire.codec.registry import (
    PublishedRegistry,
    registry_version_to_wire,
    system_keys_to_wire,
)
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.keys import SystemKeyPair, SystemPublicKeys
from dsr_wire.registry_book import RegistryBook
from support.builders import NOW, a_cohort_id, a_published_registry, a_registry, a_system, days


def version_record(published: PublishedRegistry) -> Outgoing:
    message = registry_version_to_wire(published)
    return encode(
        message, topic="dsr.registry.v1", key=message.digest, event_id=message.digest, source="cli",
        at=NOW,
    )  # fmt: skip


def keys_record(keys: SystemPublicKeys) -> Outgoing:
    message = system_keys_to_wire(keys, NOW)
    key = f"keys/{keys.system_id}"
    return encode(message, topic="dsr.registry.v1", key=key, event_id=key, source="cli", at=NOW)


def a_book(*records: Outgoing) -> RegistryBook:
    book = RegistryBook()
    for record in records:
        book.read(record.value, record.headers)
    return book


OLD = a_published_registry(published_at=NOW - days(1))
NEW = a_published_registry(a_registry(a_system("another")))


def test_an_empty_book_knows_nothing() -> None:
    book = a_book()
    assert book.current is None
    assert book.version(OLD.registry.digest) is None
    assert book.keys("crm") is None


@pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD), (OLD, NEW, OLD, NEW)])
def test_the_newest_version_is_current_in_whatever_order_they_come(
    order: tuple[PublishedRegistry, ...],
) -> None:
    book = a_book(*(version_record(one) for one in order))
    assert book.current == NEW.registry
    assert book.version(OLD.registry.digest) == OLD.registry
    assert book.version(NEW.registry.digest) == NEW.registry


def test_an_old_version_that_is_published_again_is_current_again() -> None:
    again = PublishedRegistry(OLD.registry, NOW + days(1))
    assert a_book(*map(version_record, (OLD, NEW, again))).current == OLD.registry


def test_what_was_published_since_a_version_comes_in_the_order_of_publication() -> None:
    third = a_published_registry(a_registry(a_system("third")), published_at=NOW + days(1))
    book = a_book(*map(version_record, (third, OLD, NEW)))
    assert book.since(OLD.registry.digest) == (NEW, third)
    assert book.since(third.registry.digest) == ()
    assert book.since("unknown") == (OLD, NEW, third)
    assert book.holder("third") == third.registry


def test_keys_are_always_the_last_registered() -> None:
    first, second = SystemKeyPair.generate("crm").public, SystemKeyPair.generate("crm").public
    other = SystemKeyPair.generate("mailer").public
    book = a_book(*map(keys_record, (first, other, second)))
    assert book.keys("crm") == second
    assert book.keys("mailer") == other


def test_another_message_changes_nothing() -> None:
    book = a_book(version_record(OLD))
    stray = encode(
        cohort_answered_to_wire(a_cohort_id(), NOW), topic="t", key="k", event_id="e", source="s",
        at=NOW,
    )  # fmt: skip
    assert (
        dict(stray.headers)["ce_type"].decode() == lifecycle_pb2.CohortAnswered.DESCRIPTOR.full_name
    )
    with pytest.raises(RejectedInput, match=r"^unexpected_type"):
        book.read(stray.value, stray.headers)
    with pytest.raises(RejectedInput, match=r"^empty"):
        book.read(None, version_record(NEW).headers)
    assert book.current == OLD.registry
