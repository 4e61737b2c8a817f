"""A package is sent a part at a time, each until it is confirmed, and as long as it may be."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from prometheus_client import CollectorRegistry

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_intake.application.packages import handing_over
from dsr_intake.application.packages.fetching import Content, Fetching
from dsr_intake.application.packages.handing_over import HandingOver, HandingOverParts
from dsr_intake.application.packages.receiving import lacking
from dsr_intake.application.webhook_calls import WebhookCalls, secret_of, signature
from dsr_intake.metrics import Metrics
from dsr_intake.model.hand_overs import PART_BYTES, HandOver, HandOverEnd, Receiver, parts_of
from dsr_intake.model.webhooks import Webhook
from dsr_intake.ports.hand_overs import HandOverStore
from dsr_intake.ports.webhooks import Post, WebhookStore
from dsr_runtime.http.outgoing import Said
from support.builders import NOW, a_request_id, an_id, days

KEY = bytes(32)
FILE = bytes(range(256)) * (PART_BYTES // 128) + b"the rest"
LEASE = timedelta(minutes=1)
TAKEN = Said(204)


def a_hand_over(*, failing_since: Any = None, **changes: Any) -> HandOver:
    fields: dict[str, Any] = {
        "request_id": a_request_id(1),
        "number": 1,
        "package_id": a_request_id(1),
        "webhook": Webhook(
            client_id="c",
            url="https://shop.example/hook",
            secret_version=1,
            secret_changed_at=NOW,
            failing_since=failing_since,
        ),
        "recipient": "age1own",
        "is_requesters": False,
        "begun_for": "age1own",
        "parts_confirmed": 0,
        "tries": 0,
        "claim_id": an_id(1),
    }
    return HandOver(**(fields | changes))


@dataclass
class Tried:
    """What one step did."""

    store: AsyncMock
    post: AsyncMock
    webhooks: AsyncMock

    @property
    def sent(self) -> tuple[bytes, dict[str, str]]:
        _, body, headers = self.post.post.await_args.args
        return body, headers


async def tried(
    one: HandOver | None,
    said: Said | Exception | Callable[..., Awaitable[Said]] = TAKEN,
    *,
    fault: Exception | None = None,
) -> Tried:
    """Take one step, of which a hand-over is claimed, or none."""
    store = AsyncMock(HandOverStore, **{"claim.return_value": one})
    post = AsyncMock(Post)
    post.post.side_effect = said if callable(said) else [said]
    content = Mock(Content, size=len(FILE), tag='"one/age1own"')
    content.read.side_effect = lambda part: iter([FILE[part.start : part.end]])
    fetching = AsyncMock(Fetching)
    fetching.content.return_value = content
    fetching.content.side_effect = fault
    webhooks = AsyncMock(WebhookStore)
    handing = HandingOver(
        HandingOverParts(
            store=store,
            webhooks=webhooks,
            fetching=fetching,
            calls=WebhookCalls(post=post, key=KEY, clock=lambda: NOW),
        ),
        lease=LEASE,
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: NOW,
    )
    assert await handing.step() is (one is not None)
    return Tried(store, post, webhooks)


async def test_where_nothing_is_due_nothing_is_called() -> None:
    done = await tried(None)
    done.post.post.assert_not_awaited()


@pytest.mark.parametrize(("confirmed", "start"), [(0, 0), (1, PART_BYTES), (2, 2 * PART_BYTES)])
async def test_the_first_part_that_is_not_confirmed_is_sent_and_its_id_says_where_it_belongs(
    confirmed: int, start: int
) -> None:
    done = await tried(a_hand_over(parts_confirmed=confirmed))
    body, headers = done.sent
    end = min(start + PART_BYTES, len(FILE))
    assert body == FILE[start:end]
    tag = hashlib.sha256(b'"one/age1own"').hexdigest()[:16]
    assert headers["webhook-id"] == f"pkg_{a_request_id(1)}_1_{tag}_{start}-{end - 1}_{len(FILE)}"
    assert headers["content-range"] == f"bytes {start}-{end - 1}/{len(FILE)}"
    secret = secret_of(KEY, "c", 1)
    assert headers["webhook-signature"] == signature(secret, headers["webhook-id"], NOW, body)
    assert done.store.confirm.await_args.kwargs == {"parts": confirmed + 1, "at": NOW}
    done.store.begin.assert_not_awaited()


@pytest.mark.parametrize("begun_for", [None, "age1another"])
async def test_for_a_recipient_that_has_no_part_yet_it_begins_at_the_first(
    begun_for: str | None,
) -> None:
    done = await tried(a_hand_over(begun_for=begun_for, parts_confirmed=2))
    assert done.store.begin.await_args.kwargs["size"] == len(FILE)
    assert done.sent[0] == FILE[:PART_BYTES]
    assert done.store.confirm.await_args.kwargs["parts"] == 1


async def test_once_every_part_is_confirmed_the_whole_is_told_and_nothing_is_sent() -> None:
    parts = parts_of(len(FILE))
    done = await tried(a_hand_over(parts_confirmed=parts))
    done.post.post.assert_not_awaited()
    _, how = done.store.settle.await_args.args
    assert how.end is HandOverEnd.HANDED_OVER
    assert how.details["sha256"] == hashlib.sha256(FILE).hexdigest()
    assert (how.details["size"], how.details["parts"]) == (len(FILE), parts)


@pytest.mark.parametrize("said", [Said(500), Said(302), Said(413), Unavailable("nobody")])
async def test_a_part_that_is_not_taken_is_tried_later_each_time_and_given_up_in_the_end(
    said: Said | Exception,
) -> None:
    pauses = []
    for tries in range(9):
        done = await tried(a_hand_over(tries=tries), said)
        done.store.confirm.assert_not_awaited()
        pauses.append(done.store.failed.await_args.kwargs["again_at"] - NOW)
    assert pauses == sorted(pauses)
    assert days(1.5) < sum(pauses, timedelta()) < days(3)
    done = await tried(a_hand_over(tries=9, parts_confirmed=1), said)
    _, how = done.store.settle.await_args.args
    assert how.end is HandOverEnd.GIVEN_UP
    assert how.details == {"number": 1, "reason": "given_up", "parts_confirmed": 1}


async def test_a_callback_that_is_gone_inside_or_failing_for_days_is_disabled() -> None:
    for said, because in (
        (Said(410), "gone"),
        (RejectedInput("invalid_url", "inside"), "invalid_url"),
    ):
        done = await tried(a_hand_over(), said)
        assert done.webhooks.disable.await_args.args == ("c", because)
        done.store.failed.assert_awaited_once()
    done = await tried(a_hand_over(failing_since=NOW - days(5)), Said(500))
    assert done.webhooks.disable.await_args.args == ("c", "failing_for_days")
    done = await tried(a_hand_over(failing_since=NOW - days(4)), Said(500))
    done.webhooks.disable.assert_not_awaited()


async def test_a_callback_that_reads_too_slowly_is_a_failed_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handing_over, "_PART_WITHIN_S", 0.01)

    async def never(*_: object) -> Said:
        await asyncio.Event().wait()
        raise AssertionError("it never ends")

    done = await tried(a_hand_over(), never)
    done.store.failed.assert_awaited_once()


@pytest.mark.parametrize(
    "fault", [Unavailable("the store"), RuleViolation("no_package", "gone"), ValueError("ours")]
)
async def test_a_fault_of_ours_is_not_held_against_the_callback(fault: Exception) -> None:
    done = await tried(a_hand_over(), fault=fault)
    done.store.failed.assert_not_awaited()
    assert done.store.postpone.await_args.kwargs["until"] > NOW


def test_a_client_is_told_what_it_lacks() -> None:
    assert lacking(Receiver("age1own", has_webhook=True)) is None
    for found, reason in (
        (Receiver(None, has_webhook=True), "hand_over_not_allowed"),
        (Receiver("age1own", has_webhook=False), "no_webhook"),
    ):
        refusal = lacking(found)
        assert refusal is not None
        assert (refusal.reason, refusal.field) == (reason, "hand_over")


def test_parts_cover_a_file_and_no_more() -> None:
    sizes = [1, PART_BYTES, PART_BYTES + 1]
    assert [parts_of(one) for one in sizes] == [1, 1, 2]
