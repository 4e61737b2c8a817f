"""What people do about the requests of a running loop, and do again where they saw no answer."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any, TypeVar

import asyncpg

from dsr_cli.api.client import ApiError
from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import OPERATORS, Internal
from dsr_cli.demo.people import submission
from dsr_cli.group.principals import key_of
from dsr_cli.group.systems import database_of
from dsr_cli.stack.mail import mailbox
from dsr_examples.catalogue import example
from dsr_examples.people import Person
from support.loop import Loop
from support.waiting import eventually

__all__ = [
    "AWAY",
    "Desk",
    "away",
    "known_to",
    "mailed",
    "only_missing",
    "shown",
    "somebody_with_invoices",
    "submit_cohort",
    "surely",
    "until",
]

T = TypeVar("T")

AWAY = "regional-accounts"
"""The system that is away, so that requests stay open."""

_PAUSE_S = 0.3
_TAKEN_BEFORE = 409


async def surely(call: Callable[[], Awaitable[T]], *, within: float = 420.0) -> T | None:
    """Call until it is answered; none where it had been taken, and the answer was lost."""
    was_lost, deadline = False, time.monotonic() + within
    while True:
        try:
            return await call()
        except ApiError as error:
            if was_lost and error.status == _TAKEN_BEFORE:
                return None
            if not error.is_passing or time.monotonic() > deadline:
                raise
            was_lost = was_lost or error.status is None
        await asyncio.sleep(_PAUSE_S)


async def shown(loop: Loop, request_id: str) -> dict[str, Any]:
    """Return a request, from an intake that may be away for a while."""
    return await surely(lambda: loop.show(request_id)) or {}


async def until(loop: Loop, request_id: str, state: str, *, within: float = 420.0) -> None:
    """Wait until a request is in a state, whatever dies meanwhile."""

    async def is_so() -> bool:
        return bool((await shown(loop, request_id))["state"] == state)

    await eventually(is_so, within=within, what=f"{request_id} is {state}")


class Desk:
    """Where people decide about requests."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._api = self._of(OPERATORS[0])

    def _of(self, name: str) -> InternalApi:
        """Return intake, as one of the local principals calls it."""
        url = self._loop.stack.settings.intake_url
        return InternalApi(Internal(url, key_of(self._loop.stack, name)))

    async def withdraw(self, request_id: str) -> None:
        """Take a request back, as its client."""
        async with self._loop.client() as client:
            await surely(lambda: client.withdraw(request_id))

    async def decide(
        self, request_id: str, what: str, *, by: str = OPERATORS[0], **body: str
    ) -> dict[str, Any] | None:
        """Take a decision; none where its answer was lost."""
        api = self._of(by)
        return await surely(lambda: asyncio.to_thread(api.decide, request_id, what, body))

    async def prove(self, request_id: str, **body: str) -> dict[str, Any] | None:
        """Take it as proven who asks."""
        asked = {"reason": "passport seen at the desk"} | body
        return await surely(
            lambda: asyncio.to_thread(self._api.decide, request_id, "identity:prove", asked)
        )

    async def settlements(self, request_id: str) -> list[dict[str, Any]]:
        """Return what is proposed in place of systems, the oldest first."""
        found = await surely(lambda: asyncio.to_thread(self._api.settlements, request_id))
        return found or []

    async def hold(self, reason: str, **body: Any) -> str:
        """Place a hold; whoever sees no answer places it again with the same key."""
        asked, key = {"authority": "District Court", "reason": reason} | body, str(uuid.uuid4())
        placed = await surely(
            lambda: asyncio.to_thread(lambda: self._api.place_hold(asked, key=key))
        )
        if placed is None:
            raise AssertionError("a key gives the hold that it stands for")
        return str(placed["id"])

    async def lift(self, hold_id: str) -> None:
        """Lift a hold."""
        words = {"reason": "the order is over"}
        await surely(lambda: asyncio.to_thread(lambda: self._api.lift_hold(hold_id, **words)))

    async def holds(self) -> list[dict[str, Any]]:
        """Return every hold, the newest first."""
        return await asyncio.to_thread(self._api.holds)


@asynccontextmanager
async def away(loop: Loop, system_id: str = AWAY) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Have one system away; yields what brings it back, which happens in any case."""
    name = loop.system(system_id)
    await asyncio.to_thread(loop.stack.stop, name)

    async def back() -> None:
        if not loop.stack.is_running(name):
            await asyncio.to_thread(loop.stack.start, name)

    try:
        yield back
    finally:
        await back()


def known_to(loop: Loop, count: int, *system_ids: str) -> list[Person]:
    """Return people whom no test has asked for, and whom all these systems know."""
    found: list[Person] = []
    while len(found) < count:
        person = loop.person()
        if all(example(one).knows(person.number) for one in system_ids):
            found.append(person)
    return found


async def somebody_with_invoices(loop: Loop) -> Person:
    """Return a person whom no test has asked for, and of whom billing keeps its books."""
    connection = await asyncpg.connect(loop.stack.postgres_dsn(database_of("billing")))
    query = (
        "select 1 from customers c join invoices i on i.customer = c.id"
        " where c.customer_number = $1 limit 1"
    )
    try:
        while True:
            [person] = known_to(loop, 1, "billing")
            if await connection.fetchval(query, person.customer_number):
                return person
    finally:
        await connection.close()


async def submit_cohort(
    loop: Loop, people: Sequence[Person], **changes: Mapping[str, Any] | str
) -> list[str]:
    """Submit people in one batch call, which makes them a cohort; return their requests' ids."""
    lines = [
        submission(one) | {"idempotency_key": f"cohort-{one.account_id}"} | changes
        for one in people
    ]
    async with loop.client() as client:
        return [str(one["id"]) async for one in client.submit_batch(lines)]


def mailed(loop: Loop, request_id: str) -> list[tuple[str, EmailMessage]]:
    """Return each message about a request with the kind of its letter, the oldest first.

    Raises:
        AssertionError: Two letters of a kind were told apart: they have different names.
    """
    found = [one for one in mailbox(loop.stack.settings) if request_id in one["Message-ID"]]
    kinds = [one["Message-ID"].strip("<").split(".")[0] for one in found]
    assert len({one["Message-ID"] for one in found}) == len(set(kinds))
    return list(zip(kinds, found, strict=True))


async def only_missing(loop: Loop, *request_ids: str, system_id: str = AWAY) -> None:
    """Wait until one system alone has not answered these requests."""

    async def is_so() -> bool:
        return all([await loop.missing(one) == {system_id} for one in request_ids])

    await eventually(is_so, within=60, what=f"only {system_id} has not answered")
