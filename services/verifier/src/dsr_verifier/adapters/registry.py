"""The registry book, fed from its topic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import cast

from aiokafka import ConsumerRecord

from dsr_contracts.v1 import registry_pb2, rules_pb2
from dsr_core.registry import Registry, System
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.kafka import KafkaConnection
from dsr_verifier.log_ports import Fact
from dsr_wire.codec.fields import time_from_wire
from dsr_wire.codec.registry import registry_version_from_wire
from dsr_wire.codec.rules import rules_version_from_wire
from dsr_wire.envelope import Headers, decode_one_of
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.log.leaves import Kind
from dsr_wire.registry_book import RegistryBook
from dsr_wire.topics import REGISTRY

__all__ = ["KafkaRegistry", "fact_of"]


class KafkaRegistry:
    """A RegistryView that follows dsr.registry.v1."""

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        rejected: Callable[[str], None],
        noted: Callable[[Fact], None] = lambda _fact: None,
    ) -> None:
        """Follow the topic.

        Args:
            connection: Where Kafka is.
            rejected: Told the reason of each record that cannot be read.
            noted: Told what each other record is to the transparency log.
        """
        self._book = RegistryBook()
        self._noted = noted
        self.topic = CompactedTopic(connection, REGISTRY.name, self._read, rejected=rejected)

    def version(self, digest: str) -> Registry | None:
        """Return a version, or none while it has not arrived."""
        return self._book.version(digest)

    def keys(self, system_id: str) -> SystemPublicKeys | None:
        """Return a system's keys, or none while they have not arrived."""
        return self._book.keys(system_id)

    def every_key(self) -> tuple[SystemPublicKeys, ...]:
        """Return the keys of every system for which some have arrived."""
        return self._book.every_key

    def is_current(self, system_id: str) -> bool:
        """Tell whether the newest version has such a system."""
        return self.newest(system_id) is not None

    def newest(self, system_id: str) -> System | None:
        """Return a system as the newest version has it, or none where it has not."""
        current = self._book.current
        return current.system(system_id) if current is not None else None

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until what has arrived meets a condition; false when the time is up."""
        return await self.topic.wait_until(condition, timeout_s)

    def note_in(self, noted: Callable[[Fact], None], until_now: Iterable[Fact]) -> None:
        """Tell another from now on, and first of what the one before was told."""
        for fact in until_now:
            noted(fact)
        self._noted = noted

    def _read(self, record: ConsumerRecord) -> None:
        self._book.read(record.value, record.headers)
        self._noted(fact_of(record.value, record.headers))


def fact_of(value: bytes | None, headers: Headers) -> Fact:
    """Return what a record of the registry topic is to the transparency log.

    Raises:
        RejectedInput: It is none of the three kinds.
    """
    kinds = (registry_pb2.RegistryVersion, registry_pb2.SystemKeys, rules_pb2.RulesVersion)
    message = decode_one_of(value, headers, kinds)
    if isinstance(message, registry_pb2.SystemKeys):
        digest = hashlib.sha256(value or b"").digest()
        registered_at = time_from_wire(message.registered_at, field="registered_at")
        return Fact(Kind.SYSTEM_KEYS, digest, registered_at)
    if isinstance(message, registry_pb2.RegistryVersion):
        published = registry_version_from_wire(message)
        digest = bytes.fromhex(published.registry.digest)
        return Fact(Kind.REGISTRY, digest, published.published_at)
    rules = rules_version_from_wire(cast("rules_pb2.RulesVersion", message))
    return Fact(Kind.RULES, bytes.fromhex(rules.rules.digest), rules.published_at)
