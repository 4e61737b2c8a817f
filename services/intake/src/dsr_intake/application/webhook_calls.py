"""Calls to webhooks: how each is signed, as Standard Webhooks says, how it ended, and when it is tried again."""

from __future__ import annotations

import base64
import hmac
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from dsr_core.errors import RejectedInput, Unavailable
from dsr_intake.application.clock import Clock
from dsr_intake.model.webhooks import Webhook
from dsr_intake.ports.webhooks import Post

__all__ = ["Refusal", "WebhookCalls", "pause_before", "secret_of", "signature"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_PAUSES = tuple(
    timedelta(seconds=one) for one in (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
)
"""Between tries, as Standard Webhooks advises; after the last one it is given up."""

_DISABLE_AFTER = timedelta(days=5)
"""A webhook to which nothing could be delivered for so long is disabled."""

_OLD_SECRET_LASTS = timedelta(days=1)
_GONE = 410


@dataclass(frozen=True, slots=True)
class Refusal:
    """That a call was not taken."""

    why: str
    disables: str | None = None
    """Why the webhook is disabled by it; none where it goes on."""

    is_final: bool = False
    """Whether the same call is never made again."""


def secret_of(key: bytes, client_id: str, version: int) -> bytes:
    """Return a client's secret: derived, so that none is kept."""
    return hmac.digest(key, f"webhook/{client_id}/{version}".encode(), "sha256")


def signature(secret: bytes, message_id: str, at: datetime, content: bytes) -> str:
    """Return a signature of version 1 of Standard Webhooks: HMAC-SHA256 over id, time and content."""
    signed = hmac.new(secret, f"{message_id}.{int(at.timestamp())}.".encode(), "sha256")
    signed.update(content)
    return "v1," + base64.b64encode(signed.digest()).decode()


def pause_before(tries: int) -> timedelta | None:
    """Return how long to wait after so many tries; none where it is given up."""
    if tries > len(_PAUSES):
        return None
    return _PAUSES[tries - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - jitter, no secret


class WebhookCalls:
    """Calls webhooks, each call signed; keeps nothing."""

    def __init__(self, *, post: Post, key: bytes | None, clock: Clock) -> None:
        self._post = post
        self._key = key
        self._clock = clock

    @property
    def are_offered(self) -> bool:
        """Whether there is a key to sign with."""
        return self._key is not None

    def secret(self, client_id: str, version: int) -> bytes:
        """Return a client's secret.

        Raises:
            RejectedInput: No webhooks are offered here.
        """
        if self._key is None:
            raise RejectedInput("webhooks_not_offered", "no key for webhooks is configured here")
        return secret_of(self._key, client_id, version)

    def signed(
        self, webhook: Webhook, message_id: str, content: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the headers of a message that is sent now."""
        at = self._clock()
        signatures = [
            signature(secret, message_id, at, content) for secret in self._secrets(webhook, at)
        ]
        return {
            **headers,
            "user-agent": "dsr-webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    async def call(
        self, webhook: Webhook, content: bytes, headers: Mapping[str, str]
    ) -> Refusal | None:
        """Return when a message, with its signed headers, was taken; or how it was not."""
        refusal = await self._call(webhook, content, headers)
        since = webhook.failing_since
        if refusal is None or refusal.disables is not None or since is None:
            return refusal
        if self._clock() - since < _DISABLE_AFTER:
            return refusal
        return Refusal(refusal.why, "failing_for_days")

    async def _call(
        self, webhook: Webhook, content: bytes, headers: Mapping[str, str]
    ) -> Refusal | None:
        try:
            said = await self._post.post(webhook.url, content, headers)
        except RejectedInput as fault:
            return Refusal(fault.reason, fault.reason, is_final=True)
        except Unavailable as error:
            return Refusal(str(error))
        except Exception as error:
            # Of one client's address: it ends nobody else's messages.
            log.exception("a webhook failed by a fault of ours", client_id=webhook.client_id)
            return Refusal(type(error).__name__)
        if said.status == _GONE:
            return Refusal("gone", "gone")
        return None if 200 <= said.status < 300 else Refusal(f"status {said.status}")

    def _secrets(self, webhook: Webhook, at: datetime) -> list[bytes]:
        versions = [webhook.secret_version]
        if webhook.secret_version > 1 and at - webhook.secret_changed_at < _OLD_SECRET_LASTS:
            versions.append(webhook.secret_version - 1)
        return [self.secret(webhook.client_id, version) for version in versions]
