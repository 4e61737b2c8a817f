"""Webhooks: how messages are signed, when they are tried again, and when no more."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import orjson
import pytest
from prometheus_client import CollectorRegistry

from dsr_core.errors import RejectedInput, Unavailable
from dsr_intake.application.webhook_calls import WebhookCalls, secret_of, signature
from dsr_intake.application.webhooks import Webhooks
from dsr_intake.metrics import Metrics
from dsr_intake.model.webhooks import Delivery, Told, Webhook
from dsr_intake.ports.webhooks import Post, WebhookStore
from dsr_runtime.http.outgoing import Said
from support.builders import NOW, a_request_id, days

KEY = bytes(32)
URL = "https://shop.example/hook"


def a_webhook(**changes: Any) -> Webhook:
    fields = {"client_id": "c", "url": URL, "secret_version": 1, "secret_changed_at": NOW}
    return Webhook(**(fields | changes))


def a_delivery(*, tries: int = 1, **changes: Any) -> Delivery:
    return Delivery(
        webhook=a_webhook(**changes),
        request_id=a_request_id(1),
        revision=7,
        state="closed",
        outcome="fulfilled",
        changed_at=NOW,
        tries=tries,
    )


async def tried(
    one: Delivery, *, said: Said | Exception, at: datetime = NOW
) -> tuple[AsyncMock, AsyncMock]:
    """Try one delivery; return the store and what was called."""
    store = AsyncMock(WebhookStore, **{"claim.return_value": [one]})
    post = AsyncMock(Post)
    if isinstance(said, Exception):
        post.post.side_effect = said
    else:
        post.post.return_value = said
    webhooks = Webhooks(
        store=store,
        calls=WebhookCalls(post=post, key=KEY, clock=lambda: at),
        allowed=(),
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: at,
    )
    assert await webhooks.step() == 1
    return store, post


async def test_a_fault_of_ours_is_a_failed_try_and_ends_nothing() -> None:
    store, _ = await tried(a_delivery(), said=UnicodeError("label empty"))
    store.failed.assert_awaited_once()
    assert store.failed.await_args.kwargs["again_at"] > NOW


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the specification's own libraries.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_clients_and_versions_have_different_secrets() -> None:
    secrets = {secret_of(KEY, client, version) for client in "ab" for version in (1, 2)}
    assert len(secrets) == 4


async def test_a_message_names_the_request_and_its_state_and_nobody() -> None:
    store, post = await tried(a_delivery(), said=Said(204))
    url, content, headers = post.post.await_args.args
    assert url == URL
    assert orjson.loads(content) == {
        "type": "subject_request.state_changed",
        "timestamp": NOW.isoformat().replace("+00:00", "Z"),
        "data": {"id": a_request_id(1), "state": "closed", "outcome": "fulfilled"},
    }
    expected = signature(secret_of(KEY, "c", 1), headers["webhook-id"], NOW, content)
    assert headers["webhook-signature"] == expected
    store.delivered.assert_awaited_once()


async def test_a_message_tells_of_a_ready_package_and_has_no_way_into_it() -> None:
    one = replace(a_delivery(), event=Told.PACKAGE_READY, expires_at=NOW + days(30))
    _, post = await tried(one, said=Said(204))
    _, content, headers = post.post.await_args.args
    told = orjson.loads(content)
    assert (told["type"], set(told["data"])) == ("package.ready", {"id", "expires_at"})
    assert told["data"]["id"] == a_request_id(1)
    _, before = await tried(a_delivery(), said=Said(204))
    assert headers["webhook-id"] != before.post.await_args.args[2]["webhook-id"]


async def test_for_a_day_after_a_rotation_both_secrets_sign() -> None:
    for later, count in ((timedelta(hours=23), 2), (timedelta(hours=25), 1)):
        one = a_delivery(secret_version=2)
        _, post = await tried(one, said=Said(200), at=NOW + later)
        assert len(post.post.await_args.args[2]["webhook-signature"].split()) == count


@pytest.mark.parametrize("said", [Said(500), Said(302), Said(404), Unavailable("nobody")])
async def test_what_is_not_taken_is_tried_again_later_each_time(said: Said | Exception) -> None:
    pauses = []
    for tries in range(1, 10):
        store, _ = await tried(a_delivery(tries=tries), said=said)
        pauses.append(store.failed.await_args.kwargs["again_at"] - NOW)
    assert pauses == sorted(pauses)
    assert timedelta(seconds=4) <= pauses[0] <= timedelta(seconds=6)
    store, _ = await tried(a_delivery(tries=10), said=said)
    assert store.failed.await_args.kwargs["again_at"] is None
    assert days(1.5) < sum(pauses, timedelta()) < days(3)


async def test_a_webhook_that_fails_for_days_is_disabled() -> None:
    store, _ = await tried(a_delivery(failing_since=NOW - days(4)), said=Said(500))
    store.disable.assert_not_awaited()
    store, _ = await tried(a_delivery(failing_since=NOW - days(5)), said=Said(500))
    assert store.disable.await_args.args == ("c", "failing_for_days")


async def test_one_that_is_gone_is_disabled_at_once() -> None:
    store, _ = await tried(a_delivery(), said=Said(410))
    assert store.disable.await_args.args == ("c", "gone")


async def test_an_address_that_became_one_of_our_own_is_never_called_again() -> None:
    store, _ = await tried(a_delivery(), said=RejectedInput("invalid_url", "inside"))
    assert store.failed.await_args.kwargs["again_at"] is None
    assert store.disable.await_args.args == ("c", "invalid_url")


async def test_without_a_key_no_webhooks_are_offered() -> None:
    store = AsyncMock(WebhookStore, **{"put.return_value": a_webhook()})
    webhooks = Webhooks(
        store=store,
        calls=WebhookCalls(post=AsyncMock(Post), key=None, clock=lambda: NOW),
        allowed=(),
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: NOW,
    )
    with pytest.raises(RejectedInput) as caught:
        await webhooks.put("c", URL)
    assert caught.value.reason == "webhooks_not_offered"
    await webhooks.run()
    store.claim.assert_not_awaited()
