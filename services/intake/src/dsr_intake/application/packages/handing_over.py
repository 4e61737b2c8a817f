"""Handing over: packages are sent to the callbacks of API clients, a part at a time, each confirmed.

A part is an ordinary message to a webhook. Its id, which is signed with it, says of which file it is and
where it belongs, and stays the same however often it comes. One claim sends one part, so that clients
take turns, and whoever dies leaves a part that is sent again by another.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import ParamSpec, TypeVar

import structlog

from dsr_core.errors import RuleViolation, Unavailable
from dsr_intake.application.clock import Clock
from dsr_intake.application.packages.fetching import Content, Fetching, Part
from dsr_intake.application.webhook_calls import Refusal, WebhookCalls, pause_before
from dsr_intake.application.working import Working, held, where
from dsr_intake.metrics import Metrics
from dsr_intake.model.hand_overs import PART_BYTES, HandOver, HandOverEnd, Settled, parts_of
from dsr_intake.ports.hand_overs import HandOverStore
from dsr_intake.ports.webhooks import WebhookStore

__all__ = ["HandingOver", "HandingOverParts"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_PART_WITHIN_S = 300.0
"""A part that is not taken by then is tried again later: who reads slowly keeps no other waiting."""

_READ_WITHIN_S = 1800.0
"""So long a whole package may be read for its digest; whoever hangs for longer is away."""

_OUTAGE = timedelta(seconds=5)
_FAULT = timedelta(minutes=10)
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandingOverParts:
    """What packages are handed over with."""

    store: HandOverStore
    webhooks: WebhookStore
    fetching: Fetching
    calls: WebhookCalls


class HandingOver(Working):
    """Sends what is to be sent, a part at a time; several may do so at once, each for another client."""

    def __init__(
        self, parts: HandingOverParts, *, lease: timedelta, metrics: Metrics, clock: Clock
    ) -> None:
        """Take what it works with; `lease` is how long a part is another's whose process has died."""
        super().__init__(else_say="packages are handed over later")
        self._parts = parts
        self._lease = lease
        self._metrics = metrics
        self._clock = clock
        self._reading = ThreadPoolExecutor(thread_name_prefix="hand-over")

    async def step(self) -> bool:
        """Send one part, if one is due; a crash at any point leaves it to be sent again."""
        one = await self._parts.store.claim(
            at=self._clock(), lease=self._lease, claim_id=str(uuid.uuid4())
        )
        if one is None:
            return False
        claimed = one

        async def hold() -> None:
            await self._parts.store.hold(claimed, until=self._clock() + self._lease)

        try:
            async with held(hold, every_s=self._lease.total_seconds() / 3):
                await self._go_on(one)
        except RuleViolation:
            await self._postpone(one, _OUTAGE)  # the package has gone; `end` tells so
        except Unavailable as error:
            log.warning("a hand-over waits", request_id=one.request_id, error=str(error))
            await self._postpone(one, _OUTAGE)
        except Exception as error:  # noqa: BLE001 - of one package: it ends nobody else's
            log.error(  # noqa: TRY400 - what a fault says may be of the person
                "a hand-over failed by a fault", request_id=one.request_id, error=where(error)
            )
            self._metrics.hand_overs.labels("failed").inc()
            await self._postpone(one, _FAULT)
        return True

    async def end(self) -> None:
        """End what may not be sent any more: revoked, expired, withdrawn, or of a client that may have none.

        Raises:
            Unavailable: The database is away.
        """
        for how in await self._parts.store.end(at=self._clock()):
            self._metrics.hand_overs.labels(how.value).inc()

    async def forget(self) -> None:
        """Drop what ended a month ago."""
        await self._parts.store.forget(before=self._clock() - _KEPT)

    async def _postpone(self, one: HandOver, pause: timedelta) -> None:
        await self._parts.store.postpone(one, until=self._clock() + pause)

    async def _go_on(self, one: HandOver) -> None:
        content = await self._parts.fetching.content(
            one.package_id, one.number, age_key=one.recipient
        )
        confirmed = one.parts_confirmed
        if one.begun_for != one.recipient:
            # For another key it is another file, of which nothing is confirmed.
            await self._begin(one, content)
            confirmed = 0
        if confirmed < parts_of(content.size):
            await self._send(one, content, confirmed)
        else:
            await self._complete(one, content)

    async def _begin(self, one: HandOver, content: Content) -> None:
        whose = "requester's" if one.is_requesters else "client's"
        said = f"{content.size} bytes in {parts_of(content.size)} parts, under the {whose} key"
        await self._parts.store.begin(one, size=content.size, at=self._clock(), said=said)
        self._metrics.hand_overs.labels("begun").inc()

    async def _send(self, one: HandOver, content: Content, number: int) -> None:
        start = number * PART_BYTES
        part = Part(start, min(start + PART_BYTES, content.size))
        body, headers = await self._read(self._message, one, content, part)
        refusal = await self._called(one, body, headers)
        if refusal is None:
            self._metrics.webhooks.labels("delivered").inc()
            await self._parts.store.confirm(one, parts=number + 1, at=self._clock())
        else:
            await self._refused(one, refusal)

    async def _read(self, read: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        """Read the store in a thread of our own: one that waits for it would be missing elsewhere.

        Raises:
            Unavailable: It has not answered in time; the claim is given back.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_READ_WITHIN_S):
                return await loop.run_in_executor(self._reading, partial(read, *arguments, **named))
        except TimeoutError as error:
            raise Unavailable("the object store does not answer in time") from error

    async def _called(self, one: HandOver, body: bytes, headers: dict[str, str]) -> Refusal | None:
        try:
            async with asyncio.timeout(_PART_WITHIN_S):
                return await self._parts.calls.call(one.webhook, body, headers)
        except TimeoutError:
            return Refusal("too slow")

    async def _refused(self, one: HandOver, refusal: Refusal) -> None:
        at, pause = self._clock(), pause_before(one.tries + 1)
        self._metrics.webhooks.labels("given_up" if pause is None else "failed").inc()
        if pause is not None:
            await self._parts.store.failed(one, at=at, again_at=at + pause)
        else:
            end = HandOverEnd.GIVEN_UP
            told = {
                "number": one.number,
                "reason": end.value,
                "parts_confirmed": one.parts_confirmed,
            }
            await self._settle(one, Settled(end, told, refusal.why))
        if refusal.disables is not None:
            client_id = one.webhook.client_id
            log.warning("a webhook is disabled", client_id=client_id, reason=refusal.disables)
            await self._parts.webhooks.disable(client_id, refusal.disables, at=at)

    async def _complete(self, one: HandOver, content: Content) -> None:
        digest = await self._read(_digest, content)
        told = {
            "number": one.number,
            "file": _file(one, content),
            "size": content.size,
            "sha256": digest,
            "parts": parts_of(content.size),
        }
        said = f"{content.size} bytes, SHA-256 {digest}"
        await self._settle(one, Settled(HandOverEnd.HANDED_OVER, told, said))

    async def _settle(self, one: HandOver, how: Settled) -> None:
        if await self._parts.store.settle(one, how, at=self._clock()):
            self._metrics.hand_overs.labels(how.end.value).inc()
            log.info("a hand-over has ended", request_id=one.request_id, reason=how.end.value)

    def _message(self, one: HandOver, content: Content, part: Part) -> tuple[bytes, dict[str, str]]:
        """Return a part and the headers that it is sent with; blocking."""
        body = b"".join(content.read(part))
        last = part.end - 1
        message_id = f"{_file(one, content)}_{part.start}-{last}_{content.size}"
        headers = {
            "content-type": "application/octet-stream",
            "content-range": f"bytes {part.start}-{last}/{content.size}",
            "dsr-request-id": one.request_id,
        }
        return body, self._parts.calls.signed(one.webhook, message_id, body, headers)


def _file(one: HandOver, content: Content) -> str:
    """Name the file whose parts are sent: another package, or another recipient, has another name."""
    tag = hashlib.sha256(content.tag.encode()).hexdigest()[:16]
    return f"pkg_{one.request_id}_{one.number}_{tag}"


def _digest(content: Content) -> str:
    """Return the SHA-256 of the whole file; blocking.

    It is read once more: no digest can be begun by one process and gone on with by another.
    """
    found = hashlib.sha256()
    for piece in content.read(Part(0, content.size)):
        found.update(piece)
    return found.hexdigest()
