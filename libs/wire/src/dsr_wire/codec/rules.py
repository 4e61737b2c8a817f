"""Versions of the rules, as they travel on dsr.registry.v1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import rules_pb2
from dsr_core.errors import RejectedInput
from dsr_core.law.rules import Rules
from dsr_wire.codec.fields import time_from_wire, time_to_wire

__all__ = ["PublishedRules", "rules_version_from_wire", "rules_version_to_wire"]


@dataclass(frozen=True, slots=True)
class PublishedRules:
    """A version of the rules and when it was published."""

    rules: Rules
    published_at: datetime


def rules_version_to_wire(published: PublishedRules) -> rules_pb2.RulesVersion:
    """Return a version of the rules as a message."""
    return rules_pb2.RulesVersion(
        digest=published.rules.digest,
        canonical=published.rules.canonical(),
        published_at=time_to_wire(published.published_at),
    )


def rules_version_from_wire(message: rules_pb2.RulesVersion) -> PublishedRules:
    """Return the version of the rules that a message holds.

    Raises:
        RejectedInput: They are no rules, or their digest names others.
    """
    try:
        rules = Rules.from_canonical(message.canonical)
    except ValueError as error:
        raise RejectedInput("invalid_field", str(error), field="canonical") from error
    if rules.digest != message.digest:
        raise RejectedInput("digest_mismatch", "the digest names other rules", field="digest")
    return PublishedRules(rules, time_from_wire(message.published_at, field="published_at"))
