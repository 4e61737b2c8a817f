"""A batch of full length goes through a real process as a stream: its memory does not grow with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson

from dsr_intake.http.batch import LINES_LIMIT
from dsr_runtime.kafka import KafkaConnection
from support.builders import MARKER
from support.intake import VerifierDouble, an_officer, environment_of, intake_fields
from support.memory import Watch
from support.services import ServiceProcess
from support.submissions import a_submission

BATCH = "/v1/subject-requests:batch"

_LINE_BYTES = 1_600
"""Long enough for the whole to be 160 MB, of which blanks are the most: they cost no one CPU."""

_GROWTH_LIMIT = 64 * 1024 * 1024
"""What the process may grow by: a third of the body, so that whoever keeps the body is found out.

It holds two chunks of 500 lines, their drafts and statements, and 100,000 hashes of keys.
"""

_TOGETHER = 400


async def parts(first: int, count: int) -> AsyncIterator[bytes]:
    """Yield lines of one person each, some hundred at a time."""
    head, tail = orjson.dumps(a_submission(0)).split(f"{MARKER}-0@".encode())
    for start in range(first, first + count, _TOGETHER):
        lines = [
            b'{"idempotency_key":"row-%d",%b%b-%d@%b' % (n, head[1:], MARKER.encode(), n, tail)
            for n in range(start, min(start + _TOGETHER, first + count))
        ]
        yield b"".join(line.ljust(_LINE_BYTES) + b"\n" for line in lines)


async def sent(http: httpx.AsyncClient, *, first: int, count: int) -> tuple[Counter[int], bool]:
    """Send a batch; return how often each status came, and whether every line was answered in order."""
    statuses: Counter[int] = Counter()
    are_in_order = True
    async with http.stream(
        "POST",
        BATCH,
        content=parts(first, count),
        headers={"content-type": "application/x-ndjson"},
    ) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            result = orjson.loads(line)
            statuses[result["status"]] += 1
            are_in_order = are_in_order and result["line"] == statuses.total()
    return statuses, are_in_order


async def test_a_hundred_thousand_lines_are_accepted_at_constant_memory(
    kafka: KafkaConnection, database: str, verifier: VerifierDouble, tmp_path: Path
) -> None:
    fields = intake_fields(kafka, database, verifier.url, tmp_path)
    process = ServiceProcess("dsr_intake", environment_of(fields), tmp_path / "intake.log")
    async with process, httpx.AsyncClient(base_url=process.url, timeout=100) as http:
        limits = {"calls_per_s": 1_000_000, "calls_at_once": 10}
        made = await http.post(
            "/internal/v1/clients",
            headers=await an_officer(database),
            json={"name": "web shop", "limits": limits, "reason": "a test"},
        )
        http.headers["authorization"] = f"Bearer {made.json()['api_key']}"
        # What is made once, connections and plans of statements among it, is no growth.
        assert await sent(http, first=LINES_LIMIT, count=2_000) == ({202: 2_000}, True)
        async with Watch(process.pid) as watch:
            answered = await sent(http, first=0, count=LINES_LIMIT)
        assert answered == ({202: LINES_LIMIT}, True)
        assert watch.growth < _GROWTH_LIMIT
