"""Sending subject requests to intake, as an API client would."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dsr_cli.bench.http import Connection
from dsr_cli.bench.progress import Progress, ignore
from dsr_cli.bench.registry import IDENTIFIER_KIND
from dsr_cli.errors import CommandError
from dsr_core.rights import Right

__all__ = ["Client", "Submitted"]

PATH = "/v1/subject-requests"
BATCH_PATH = "/v1/subject-requests:batch"

_ACCEPTED = (200, 201, 202)
_COME_AGAIN = 503


@dataclass(slots=True)
class Submitted:
    """What intake accepted, and how long it took."""

    posted_at: dict[str, float] = field(default_factory=dict)
    """Each accepted request's id, with the Unix time at which its call began."""

    answered_ms: list[float] = field(default_factory=list)
    """How long each call took."""

    told_to_come_again: int = 0
    """Calls that intake had no room for."""

    began_at: float = 0.0
    seconds: float = 0.0
    """From the first call's start to the last answer."""


def body_of(person: str, right: Right = Right.DELETION) -> dict[str, object]:
    """Return the body of one person's request."""
    return {
        "right": right.value,
        "jurisdiction": "DE",
        "identity": [{"kind": IDENTIFIER_KIND, "value": person}],
        "identity_attested": True,
        "requester": {"role": "data_subject"},
        "channel": "api",
    }


@dataclass(frozen=True, slots=True)
class Client:
    """One API client of intake."""

    url: str
    api_key: str = field(repr=False)

    async def submit(
        self,
        people: Sequence[str],
        *,
        concurrency: int,
        rate: float | None = None,
        right: Right = Right.DELETION,
        may_refuse: bool = False,
        progress: Progress = ignore,
    ) -> Submitted:
        """Submit one request a person, so many at once, over connections that are kept.

        Args:
            people: Whom to ask for.
            concurrency: Calls under way at once, at most.
            rate: Calls begun a second; as many as intake takes when not given.
            right: What is asked for.
            may_refuse: Whether a call that is told to come again is counted, and no fault.
            progress: Told how many have been accepted.

        Raises:
            CommandError: One was not accepted.
        """
        done = Submitted(began_at=time.time())
        began = time.perf_counter()
        calls = iter(
            enumerate((person, json.dumps(body_of(person, right)).encode()) for person in people)
        )

        async def work() -> None:
            async with self._connection() as connection:
                for number, (_person, body) in calls:
                    if rate is not None:
                        await asyncio.sleep(began + number / rate - time.perf_counter())
                    start, posted_at = time.perf_counter(), time.time()
                    answer = await connection.post(
                        PATH,
                        body,
                        "Content-Type: application/json",
                        f"Idempotency-Key: {uuid.uuid4()}",
                    )
                    done.answered_ms.append(1000 * (time.perf_counter() - start))
                    if may_refuse and answer.status == _COME_AGAIN:
                        done.told_to_come_again += 1
                        continue
                    if answer.status not in _ACCEPTED:
                        raise _refused(answer.status, answer.body)
                    done.posted_at[json.loads(answer.body)["id"]] = posted_at
                    progress(len(done.posted_at))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(people))):
                    group.create_task(work())
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from None
        done.seconds = time.perf_counter() - began
        return done

    async def submit_batches(
        self,
        people: Iterable[str],
        *,
        size: int,
        rate: float | None = None,
        right: Right = Right.DELETION,
        progress: Progress = ignore,
    ) -> Submitted:
        """Submit by the batch call, so many lines a call, one call after another.

        Intake answers after the last line, so every line counts from when its call began.
        With a rate, a call begins no sooner than the lines before it take at so many a second.

        Raises:
            CommandError: A line was not accepted.
        """
        done = Submitted(began_at=time.time())
        began = time.perf_counter()
        rest = iter(people)
        async with self._connection() as connection:
            while lines := [_line(person, right) for person in itertools.islice(rest, size)]:
                if rate is not None:
                    ahead = len(done.posted_at) / rate - (time.perf_counter() - began)
                    await asyncio.sleep(ahead)
                start, posted_at = time.perf_counter(), time.time()
                answers = connection.post_lines(
                    BATCH_PATH, b"".join(lines), "Content-Type: application/x-ndjson"
                )
                async for answer in answers:
                    if answer:
                        done.posted_at[_accepted_id(answer)] = posted_at
                        progress(len(done.posted_at))
                done.answered_ms.append(1000 * (time.perf_counter() - start))
        done.seconds = time.perf_counter() - began
        return done

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = await Connection.open(self.url, {"Authorization": f"Bearer {self.api_key}"})
        try:
            yield connection
        finally:
            await connection.close()


def _line(person: str, right: Right) -> bytes:
    return (
        json.dumps({**body_of(person, right), "idempotency_key": uuid.uuid4().hex}).encode() + b"\n"
    )


def _accepted_id(line: bytes) -> str:
    result = json.loads(line)
    found = result.get("id") or result.get("request", {}).get("id")
    if not found:
        raise CommandError(f"intake refused a line of the batch: {line[:300].decode()}")
    return str(found)


def _refused(status: int, body: bytes) -> CommandError:
    return CommandError(f"intake answered {status}: {body[:300].decode(errors='replace')}")
