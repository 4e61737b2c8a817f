"""The registry book: the registry versions, system keys and rules that have been published, in memory.

Fed from dsr.registry.v1, record by record. Digests are pinned by what was planned from them; keys
are always the newest registered.
"""

from __future__ import annotations

from dsr_contracts.v1 import registry_pb2, rules_pb2
from dsr_core.law.rules import Rules
from dsr_core.registry import Registry
from dsr_wire.codec.registry import (
    PublishedRegistry,
    registry_version_from_wire,
    system_keys_from_wire,
)
from dsr_wire.codec.rules import PublishedRules, rules_version_from_wire
from dsr_wire.envelope import Headers, decode_one_of
from dsr_wire.keys import SystemPublicKeys

__all__ = ["RegistryBook"]


class RegistryBook:
    """What has been published so far; reading the same record twice changes nothing."""

    def __init__(self) -> None:
        self._versions: dict[str, PublishedRegistry] = {}
        self._current: PublishedRegistry | None = None
        self._keys: dict[str, SystemPublicKeys] = {}
        self._rules: dict[str, PublishedRules] = {}
        self._current_rules: PublishedRules | None = None

    def read(self, value: bytes | None, headers: Headers) -> None:
        """Take in one record of dsr.registry.v1.

        Raises:
            RejectedInput: The record is no registry version, no system's keys and no rules.
        """
        kinds = (registry_pb2.RegistryVersion, registry_pb2.SystemKeys, rules_pb2.RulesVersion)
        message = decode_one_of(value, headers, kinds)
        if isinstance(message, registry_pb2.SystemKeys):
            keys = system_keys_from_wire(message)
            self._keys[keys.system_id] = keys
        elif isinstance(message, rules_pb2.RulesVersion):
            rules = rules_version_from_wire(message)
            self._rules[rules.rules.digest] = rules
            if (
                self._current_rules is None
                or rules.published_at >= self._current_rules.published_at
            ):
                self._current_rules = rules
        elif isinstance(message, registry_pb2.RegistryVersion):  # pragma: no branch - one of three
            published = registry_version_from_wire(message)
            self._versions[published.registry.digest] = published
            if self._current is None or published.published_at >= self._current.published_at:
                self._current = published

    @property
    def current(self) -> Registry | None:
        """The newest version, which new requests are planned from; none before the first."""
        return self._current.registry if self._current else None

    @property
    def newest(self) -> PublishedRegistry | None:
        """The newest version with the time of its publication; none before the first."""
        return self._current

    def since(self, digest: str) -> tuple[PublishedRegistry, ...]:
        """Return the versions that were published after one, the oldest first; all where it is unknown."""
        first = self._versions.get(digest)
        later = (
            one
            for one in self._versions.values()
            if first is None or one.published_at > first.published_at
        )
        return tuple(sorted(later, key=lambda one: one.published_at))

    def version(self, digest: str) -> Registry | None:
        """Return a version by its digest, or none while it has not arrived."""
        published = self._versions.get(digest)
        return published.registry if published else None

    def holder(self, system_id: str) -> Registry | None:
        """Return the newest version that has a system, or none."""
        holders = [one for one in self._versions.values() if one.registry.system(system_id)]
        found = max(holders, key=lambda one: one.published_at, default=None)
        return found.registry if found else None

    def keys(self, system_id: str) -> SystemPublicKeys | None:
        """Return the newest keys of a system, or none while none are registered."""
        return self._keys.get(system_id)

    @property
    def every_key(self) -> tuple[SystemPublicKeys, ...]:
        """The newest keys of every system."""
        return tuple(self._keys.values())

    @property
    def current_rules(self) -> Rules | None:
        """The newest rules, which new requests are counted by; none before the first."""
        return self._current_rules.rules if self._current_rules else None

    def rules(self, digest: str) -> Rules | None:
        """Return a version of the rules by its digest, or none while it has not arrived."""
        published = self._rules.get(digest)
        return published.rules if published else None
