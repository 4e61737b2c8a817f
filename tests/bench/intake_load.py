"""Loads intake over HTTP and prints what it did: single calls at a rate or flat out, or one batch.

    python tests/bench/intake_load.py single --url http://127.0.0.1:8080 --key dsr_… --seconds 10
    python tests/bench/intake_load.py batch  --url http://127.0.0.1:8080 --key dsr_… --lines 20000

The client shares the machine with what it measures, so it speaks HTTP over bare connections.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson
import uvloop


@dataclass
class Tally:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def report(self, duration: float, accepted: int) -> None:
        """Print the machine and the numbers."""
        latencies = sorted(self.seconds)
        at = {p: _percentile(latencies, p) * 1000 for p in (50, 95, 99)}
        sys.stdout.write(
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n"
            f"statuses {dict(self.statuses)}\n"
            f"{accepted / duration:,.0f} accepted/s over {duration:.1f} s; "
            f"p50 {at[50]:.1f} ms, p95 {at[95]:.1f} ms, p99 {at[99]:.1f} ms\n"
        )


def submission(number: int) -> dict[str, object]:
    """Return the body of a subject request, on reserved names."""
    return {
        "right": "deletion",
        "jurisdiction": ("DE", "FR", "US-CA", "GB")[number % 4],
        "identity": [
            {"kind": "email", "value": f"person-{number}-{uuid.uuid4().hex[:8]}@example.com"},
            {"kind": "customer_number", "value": f"C-{number:08d}"},
        ],
        "identity_attested": True,
        "requester": {"role": "data_subject"},
    }


class Connection:
    """One connection that is kept open."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def call(self, head: bytes, body: bytes) -> int:
        """Send one request and return the status of its answer."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(b"%b\r\ncontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        top = await self._reader.readuntil(b"\r\n\r\n")
        lower = top.lower()
        start = lower.index(b"content-length:") + 15
        await self._reader.readexactly(int(lower[start : lower.index(b"\r\n", start)]))
        return int(top[9:12])

    def close(self) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.close()


async def single(arguments: argparse.Namespace) -> None:
    """Submit single requests."""
    url = urlsplit(arguments.url)
    head = (
        f"POST /v1/subject-requests HTTP/1.1\r\nhost: {url.netloc}\r\n"
        f"authorization: Bearer {arguments.key}\r\ncontent-type: application/json"
    )
    tally = Tally()
    numbers: Iterator[int] = iter(range(10**9))
    end = time.perf_counter() + arguments.seconds
    interval = arguments.connections / arguments.rate if arguments.rate else 0.0

    async def work() -> None:
        connection = Connection(url.hostname or "127.0.0.1", url.port or 80)
        due = time.perf_counter() + random.uniform(0, interval)
        while (now := time.perf_counter()) < end:
            if interval:
                await asyncio.sleep(max(due - now, 0))
            else:
                due = now
            body = orjson.dumps(submission(next(numbers)))
            keyed = head
            if arguments.idempotency_keys:
                keyed = f"{head}\r\nidempotency-key: {uuid.uuid4()}"
            status = await connection.call(keyed.encode(), body)
            # From when it was due: waiting for a slow answer before counts as well.
            tally.seconds.append(time.perf_counter() - due)
            tally.statuses[status] += 1
            due += interval
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(arguments.connections)))
    tally.report(time.perf_counter() - started, tally.statuses[202])


async def batch(arguments: argparse.Namespace) -> None:
    """Submit one batch: everything is sent before anything is read."""
    url = urlsplit(arguments.url)
    run = uuid.uuid4().hex
    body = b"".join(
        orjson.dumps(submission(n) | {"idempotency_key": f"{run}-{n}"}) + b"\n"
        for n in range(arguments.lines)
    )
    head = (
        f"POST /v1/subject-requests:batch HTTP/1.1\r\nhost: {url.netloc}\r\nconnection: close\r\n"
        f"authorization: Bearer {arguments.key}\r\ncontent-type: application/x-ndjson\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
    writer.write(head.encode())
    for start in range(0, len(body), 65_536):
        writer.write(body[start : start + 65_536])
        await writer.drain()
    await reader.readuntil(b"\r\n\r\n")
    answer = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        answer += (await reader.readexactly(size + 2))[:size]
    duration = time.perf_counter() - started
    accepted = answer.count(b'"status":202')
    sys.stdout.write(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n"
        f"{accepted} of {arguments.lines} lines accepted in {duration:.2f} s: "
        f"{accepted / duration:,.0f} lines/s; {len(body) / arguments.lines:.0f} bytes a line\n"
    )
    writer.close()


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] if ordered else 0.0


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    calls = parser.add_subparsers(required=True)
    for name, run in (("single", single), ("batch", batch)):
        call = calls.add_parser(name)
        call.set_defaults(run=run)
        call.add_argument("--url", default="http://127.0.0.1:8080")
        call.add_argument("--key", required=True, help="an API key")
        call.add_argument("--seconds", type=float, default=10.0)
        call.add_argument("--connections", type=int, default=32)
        call.add_argument("--rate", type=float, default=0.0, help="calls a second; 0: flat out")
        call.add_argument("--idempotency-keys", action="store_true")
        call.add_argument("--lines", type=int, default=20_000)
    arguments = parser.parse_args()
    uvloop.run(arguments.run(arguments))


if __name__ == "__main__":
    main()
