"""The registry topic: what it holds; publishing the registry, the rules and the keys of systems."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.reading import records
from dsr_core.errors import RejectedInput
from dsr_core.law.rules import Rules
from dsr_core.registry import Registry
from dsr_wire.codec.registry import (
    PublishedRegistry,
    registry_version_to_wire,
    system_keys_to_wire,
)
from dsr_wire.codec.rules import PublishedRules, rules_version_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.keys import Revocation, SystemPublicKeys
from dsr_wire.registry_book import RegistryBook
from dsr_wire.topics import REGISTRY

__all__ = [
    "keys_records",
    "read_book",
    "registry_record",
    "revoke",
    "rules_record",
    "successor",
    "without_keys",
]

_SOURCE = "operator"


def read_book(admin: KafkaAdmin) -> RegistryBook:
    """Return what has been published and registered so far; nothing while the topic is not there."""
    book = RegistryBook()
    for one in records(admin, lambda name: name == REGISTRY.name):
        with suppress(RejectedInput):  # the services refuse it too
            book.read(one.value, one.headers)
    return book


def without_keys(registry: Registry, book: RegistryBook) -> list[str]:
    """Return the systems that no notice can be sealed for, since no keys are registered.

    Of what is retired nothing new is asked.
    """
    return sorted(
        one.id for one in registry.systems if one.retired_on is None and book.keys(one.id) is None
    )


def successor(keys: SystemPublicKeys, present: SystemPublicKeys | None) -> SystemPublicKeys:
    """Return these keys with every signing key that was registered before them, the newest first.

    None is ever dropped: certificates of years ago are checked with the keys of then. What is revoked
    stays revoked, however often a key is registered again.
    """
    if present is None:
        return keys
    signed = {
        one.id: one for one in (*keys.former_signing, present.signing, *present.former_signing)
    }
    signed.pop(keys.signing.id, None)
    return replace(keys, former_signing=tuple(signed.values()), revoked=present.revoked)


def revoke(present: SystemPublicKeys, revocation: Revocation) -> SystemPublicKeys:
    """Return these keys with one revoked; again, and the earlier time counts.

    Raises:
        RejectedInput: The system has no signing key of that name.
    """
    if present.signing_key(revocation.key_id) is None:
        detail = f"{present.system_id} has no signing key {revocation.key_id}"
        raise RejectedInput("unknown_key", detail, field="key_id")
    earlier = present.revocation(revocation.key_id)
    if earlier is not None and earlier.revoked_at <= revocation.revoked_at:
        return present
    others = (one for one in present.revoked if one.key_id != revocation.key_id)
    return replace(present, revoked=(*others, revocation))


def registry_record(registry: Registry, at: datetime) -> Outgoing:
    """Return the record that publishes a registry version; new requests are planned from it."""
    return encode(
        registry_version_to_wire(PublishedRegistry(registry, at)),
        topic=REGISTRY.name,
        key=registry.digest,
        event_id=registry.digest,
        source=_SOURCE,
        at=at,
    )


def rules_record(rules: Rules, at: datetime) -> Outgoing:
    """Return the record that publishes a version of the rules; new requests are counted by it."""
    return encode(
        rules_version_to_wire(PublishedRules(rules, at)),
        topic=REGISTRY.name,
        key=f"rules/{rules.digest}",
        event_id=f"rules/{rules.digest}",
        source=_SOURCE,
        at=at,
    )


def keys_records(keys: Iterable[SystemPublicKeys], at: datetime) -> list[Outgoing]:
    """Return the records that register the public keys of systems."""
    return [
        encode(
            system_keys_to_wire(one, at),
            topic=REGISTRY.name,
            key=f"keys/{one.system_id}",
            event_id=_event_id(one),
            source=_SOURCE,
            at=at,
        )
        for one in keys
    ]


def _event_id(keys: SystemPublicKeys) -> str:
    revoked = (f"{one.key_id}@{one.revoked_at.isoformat()}" for one in keys.revoked)
    return "/".join(("keys", keys.system_id, keys.signing.id, keys.sealing.id, *revoked))
