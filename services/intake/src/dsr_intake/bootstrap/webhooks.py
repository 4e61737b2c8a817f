"""Webhooks: what calls them, and what tells by them."""

from __future__ import annotations

from ipaddress import ip_network

from dsr_intake.adapters.webhooks import PostgresWebhooks
from dsr_intake.application.clock import utc_now
from dsr_intake.application.webhook_calls import WebhookCalls
from dsr_intake.application.webhooks import Webhooks
from dsr_intake.bootstrap.outside import Outside
from dsr_runtime.http.outgoing import Outgoing

__all__ = ["webhook_calls", "webhooks"]


def webhook_calls(outside: Outside) -> WebhookCalls:
    """Return what calls webhooks, with connections of its own."""
    settings = outside.settings
    allowed = [ip_network(one) for one in settings.webhook_allowed_networks]
    return WebhookCalls(
        post=Outgoing(allowed=allowed, ca_file=settings.webhook_ca_file),
        key=outside.webhook_key,
        clock=utc_now,
    )


def webhooks(outside: Outside) -> Webhooks:
    """Return what tells API clients how their requests go on."""
    return Webhooks(
        store=PostgresWebhooks(outside.pool),
        calls=webhook_calls(outside),
        allowed=[ip_network(one) for one in outside.settings.webhook_allowed_networks],
        metrics=outside.metrics,
        clock=utc_now,
    )
