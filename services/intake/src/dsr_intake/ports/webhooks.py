"""What webhooks need from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from dsr_intake.model.webhooks import Delivery, Webhook
from dsr_runtime.http.outgoing import Said

__all__ = ["Post", "WebhookStore"]


class Post(Protocol):
    """Calls an address that a client has named."""

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Said:
        """Return what was answered.

        Raises:
            RejectedInput: The address is not to be called.
            Unavailable: Nothing was answered.
        """
        ...


class WebhookStore(Protocol):
    """Keeps webhooks and deliveries. Every method may raise Unavailable."""

    async def put(self, client_id: str, url: str, *, at: datetime) -> Webhook | None:
        """Set a client's webhook and enable it; none where there is no such client.

        Changes of state from now on are delivered; of another URL too what waits.
        """
        ...

    async def get(self, client_id: str) -> Webhook | None:
        """Return a client's webhook, or none."""
        ...

    async def rotate(self, client_id: str, *, at: datetime) -> Webhook | None:
        """Give a webhook its next secret; none where there is no webhook."""
        ...

    async def remove(self, client_id: str) -> bool:
        """Remove a webhook and what waits; false where there is none."""
        ...

    async def replay(self, client_id: str, *, since: datetime, at: datetime) -> int:
        """Have everything that changed since a time delivered again; return how much."""
        ...

    async def gather(self, *, at: datetime) -> int:
        """Make deliveries of what has changed for clients with a webhook; return how many."""
        ...

    async def claim(self, *, at: datetime, lease: timedelta, limit: int) -> Sequence[Delivery]:
        """Return deliveries that are due, each to one caller until the lease is over."""
        ...

    async def delivered(self, one: Delivery, *, at: datetime) -> None:
        """Record that a delivery was taken."""
        ...

    async def failed(
        self, one: Delivery, result: str, *, at: datetime, again_at: datetime | None
    ) -> None:
        """Record that a delivery was not taken; it is given up where it is not tried again."""
        ...

    async def disable(self, client_id: str, because: str, *, at: datetime) -> None:
        """Deliver nothing more to a client until its webhook is set again; what waits stays."""
        ...

    async def forget(self, *, before: datetime) -> int:
        """Drop what was delivered or given up before a time; return how much."""
        ...
