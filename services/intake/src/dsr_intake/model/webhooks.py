"""Webhooks, and what they deliver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dsr_core.ids import RequestId

__all__ = ["Delivery", "Told", "Webhook"]


class Told(StrEnum):
    """What a message tells; the value is its type."""

    STATE_CHANGED = "subject_request.state_changed"
    PACKAGE_READY = "package.ready"
    HANDED_OVER = "package.handed_over"
    HAND_OVER_ENDED = "package.hand_over_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where an API client is told how its requests go on."""

    client_id: str
    url: str
    secret_version: int
    """Counts the client's secrets from 1; each is derived from it."""

    secret_changed_at: datetime
    failing_since: datetime | None = None
    """Since when no delivery has succeeded; none where the last one did."""

    disabled_at: datetime | None = None
    disabled_because: str | None = None
    waiting: int = 0
    """Deliveries that are still to be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """That a request is in a state, or how its package stands, for one client's webhook."""

    webhook: Webhook
    request_id: RequestId
    revision: int
    """With the request it names the change; the same however often it is told."""

    state: str
    outcome: str | None
    changed_at: datetime
    tries: int
    """How often it was tried, this time included."""

    event: Told = Told.STATE_CHANGED
    expires_at: datetime | None = None
    """Until when the package can be fetched; none where none is told of."""

    details: Mapping[str, object] = field(default_factory=dict)
    """What is said of how a package was handed over."""
