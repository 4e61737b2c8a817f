"""Webhooks: API clients are told how their requests go on, signed as Standard Webhooks says.

At least once, in whatever order: each message names the request and the state that it was in, and has
an id that stays the same however often it comes.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import structlog

from dsr_core.errors import Unavailable
from dsr_intake.application.clock import Clock
from dsr_intake.application.webhook_calls import Refusal, WebhookCalls, pause_before
from dsr_intake.metrics import Metrics
from dsr_intake.model.webhooks import Delivery, Told, Webhook
from dsr_intake.ports.webhooks import WebhookStore
from dsr_runtime.http.outgoing import Network, check_url

__all__ = ["NewWebhook", "Webhooks"]

log = structlog.get_logger(__name__)

_KEPT = timedelta(days=30)
_LEASE = timedelta(seconds=90)
"""Longer than any try takes."""

_TOGETHER = 16
_LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, repr=False)
class NewWebhook:
    """A webhook with its secret."""

    webhook: Webhook
    secret: str


class Webhooks:
    """Sets webhooks, and delivers; several processes may do so at once."""

    def __init__(
        self,
        *,
        store: WebhookStore,
        calls: WebhookCalls,
        allowed: Sequence[Network],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._calls = calls
        self._allowed = allowed
        self._metrics = metrics
        self._clock = clock
        self._stopping = asyncio.Event()

    async def put(self, client_id: str, url: str) -> NewWebhook | None:
        """Set where a client is told; none where there is no such client. Safe to repeat.

        Raises:
            RejectedInput: The URL is not to be called, or no webhooks are offered here.
        """
        check_url(url, allowed=self._allowed)
        return self._shown(await self._store.put(client_id, url, at=self._clock()))

    async def rotate(self, client_id: str) -> NewWebhook | None:
        """Give a client another secret; for a day messages are signed with the former one as well.

        Raises:
            RejectedInput: No webhooks are offered here.
        """
        return self._shown(await self._store.rotate(client_id, at=self._clock()))

    async def get(self, client_id: str) -> Webhook | None:
        """Return a client's webhook, without its secret; none where it has none."""
        return await self._store.get(client_id)

    async def remove(self, client_id: str) -> bool:
        """Tell a client nothing more; false where it had no webhook. Safe to repeat."""
        return await self._store.remove(client_id)

    async def replay(self, client_id: str, *, since: datetime) -> int:
        """Tell a client again what has changed since a time; return how many messages that are."""
        return await self._store.replay(client_id, since=since, at=self._clock())

    def stop(self) -> None:
        """Ask `run` to end after the deliveries in hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Deliver until `stop`; at once where no webhooks are offered."""
        while self._calls.are_offered and not self._stopping.is_set():
            try:
                count = await self.step()
            except Unavailable as error:
                log.warning("webhooks wait", error=str(error))
                count = 0
            if count < _TOGETHER:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _LOOK_EVERY_S)

    async def step(self) -> int:
        """See what has changed, and deliver some of what is due; return how many were tried."""
        await self._store.gather(at=self._clock())
        due = await self._store.claim(at=self._clock(), lease=_LEASE, limit=_TOGETHER)
        await asyncio.gather(*(self._deliver(one) for one in due))
        return len(due)

    async def forget(self) -> None:
        """Drop what was delivered or given up a month ago."""
        await self._store.forget(before=self._clock() - _KEPT)

    async def _deliver(self, one: Delivery) -> None:
        message_id, told = _told(one)
        content = orjson.dumps(
            {"type": one.event.value, "timestamp": one.changed_at, "data": told},
            option=orjson.OPT_UTC_Z,
        )
        headers = {"content-type": "application/json"}
        signed = self._calls.signed(one.webhook, message_id, content, headers)
        refusal = await self._calls.call(one.webhook, content, signed)
        if refusal is None:
            self._metrics.webhooks.labels("delivered").inc()
            await self._store.delivered(one, at=self._clock())
            return
        await self._failed(one, refusal)
        if refusal.disables is not None:
            await self._disable(one.webhook, refusal.disables)

    def _shown(self, webhook: Webhook | None) -> NewWebhook | None:
        if webhook is None:
            return None
        secret = self._calls.secret(webhook.client_id, webhook.secret_version)
        return NewWebhook(webhook, "whsec_" + base64.b64encode(secret).decode())

    async def _failed(self, one: Delivery, refusal: Refusal) -> None:
        at = self._clock()
        pause = None if refusal.is_final else pause_before(one.tries)
        self._metrics.webhooks.labels("given_up" if pause is None else "failed").inc()
        await self._store.failed(
            one, refusal.why, at=at, again_at=None if pause is None else at + pause
        )

    async def _disable(self, webhook: Webhook, because: str) -> None:
        log.warning("a webhook is disabled", client_id=webhook.client_id, reason=because)
        await self._store.disable(webhook.client_id, because, at=self._clock())


def _told(one: Delivery) -> tuple[str, dict[str, object]]:
    """Return the id of a message and what it says: no token, since whoever reads it could fetch."""
    message_id = f"msg_{one.request_id}_{one.revision}"
    match one.event:
        case Told.STATE_CHANGED:
            return message_id, {"id": one.request_id, "state": one.state, "outcome": one.outcome}
        case Told.PACKAGE_READY:
            return f"{message_id}_package", {"id": one.request_id, "expires_at": one.expires_at}
        case Told.HANDED_OVER | Told.HAND_OVER_ENDED:
            name = one.event.value.removeprefix("package.")
            return f"{message_id}_{name}", {"id": one.request_id, **one.details}
