"""The parts of `dsr bench` that can be wrong without a run showing it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, suppress

import psutil
import pytest

from dsr_cli.bench.curves import curves
from dsr_cli.bench.http import Connection
from dsr_cli.bench.ledger import Closed
from dsr_cli.bench.loop import latencies
from dsr_cli.bench.memory import watched
from dsr_cli.bench.meter import DRIVER, Meter
from dsr_cli.bench.people import People, tables
from dsr_cli.bench.registry import IDENTIFIER_KIND, synthetic_registry
from dsr_cli.bench.report import Percentiles, percentiles
from dsr_cli.bench.submitting import Client
from dsr_cli.bench.turns import suspended, turns
from dsr_cli.bench.waiting import wait_for_count
from dsr_cli.errors import CommandError
from dsr_cli.waiting import wait_until
from dsr_core.registry import Registry
from dsr_core.rights import Right

_WHOLE = b'HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\n{"id":"a"}'
_CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\none\r\n6\r\n\ntwo\nt\r\n4\r\nhree\r\n0\r\n\r\n"
)
_REFUSED = b"HTTP/1.1 415 Nothing\r\nContent-Length: 2\r\n\r\nno"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A server that answers whatever it is sent by the last word of its path."""
    answers = {b"/whole": _WHOLE, b"/chunked": _CHUNKED, b"/refused": _REFUSED}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError), closing(writer):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.startswith(b"Content-Length")
                )
                await reader.readexactly(length)
                path = head.split(b" ")[1]
                if path == b"/gone":
                    break
                writer.write(answers[path])

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.close()


async def test_a_connection_is_kept_over_calls_of_either_kind(url: str) -> None:
    connection = await Connection.open(url, {})

    first = await connection.post("/whole", b"{}")
    second = [line async for line in connection.post_lines("/chunked", b"x" * 200_000)]
    third = await connection.post("/whole", b"{}")
    await connection.close()

    assert first == third
    assert (first.status, len(first.body)) == (202, 10)
    assert second == [b"one", b"two", b"three"]


async def test_a_refused_batch_says_why(url: str) -> None:
    connection = await Connection.open(url, {})

    with pytest.raises(CommandError, match="415: no"):
        [line async for line in connection.post_lines("/refused", b"")]
    await connection.close()


async def test_a_server_that_goes_away_is_said_in_one_line(url: str) -> None:
    connection = await Connection.open(url, {})

    with pytest.raises(CommandError, match="closed the connection"):
        await connection.post("/gone", b"{}")
    await connection.close()


async def test_a_request_counts_from_the_start_of_its_call_and_not_from_the_answer() -> None:
    """The time that intake took to accept was left out of what a request took."""
    arrived_at: list[float] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived_at.append(time.time())
        writer.write(_WHOLE)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}", "key")
        submitted = await client.submit(["somebody"], concurrency=1)

    [arrived] = arrived_at
    assert submitted.posted_at["a"] <= arrived
    closed = [Closed("a", answered_at=arrived, closed_at=submitted.posted_at["a"] + 2)]
    assert latencies(submitted, closed)["post_to_closed"] == Percentiles(2000, 2000, 2000)


async def test_nobody_listening_is_said_in_one_line() -> None:
    with pytest.raises(CommandError, match="nothing answers"):
        await Connection.open("http://127.0.0.1:1", {})


def test_percentiles_are_nearest_ranks() -> None:
    assert Percentiles(50, 95, 99) == percentiles(list(range(100, 0, -1)))
    assert Percentiles(7, 7, 7) == percentiles([7])


async def test_waiting_ends_at_the_target_and_tells_each_count() -> None:
    counts = iter([1, 2, 5])
    told: list[int] = []

    assert await wait_for_count(_next(counts), 5, interval=0, on_count=told.append) == 5
    assert told == [1, 2, 5]


async def test_waiting_gives_up_where_nothing_grows() -> None:
    async def three() -> int:
        return 3

    assert await wait_for_count(three, 5, interval=0.001, stall=0.01) == 3


def test_each_system_has_an_organisation_of_its_own() -> None:
    registry = synthetic_registry(20)

    assert len({one.organisation_id for one in registry.systems}) == 20
    assert all(one.identifiers == (IDENTIFIER_KIND,) for one in registry.systems)
    assert all(one.rights == (Right.DELETION,) for one in registry.systems)
    assert registry == Registry.from_canonical(registry.canonical())


def test_people_are_apart_and_every_system_has_five_tables() -> None:
    people = People.of(30, warm_up=20)

    assert len(people.asked) == 30
    assert len(people.everyone) == len(set(people.everyone))
    assert len(list(tables("bench", 3))) == 15


def test_the_meter_charges_what_was_spent_to_who_spent_it() -> None:
    meter = Meter({"itself": os.getpid()})

    before = time.process_time()
    with meter.counting():
        _spend(0.05)
    most = 100 * (time.process_time() - before)
    _spend(0.2)
    spent = meter.cpu_ms(requests=10)

    # Two ticks of the kernel's clock more, since it counts in hundredths of a second.
    assert 4 <= spent[DRIVER] <= most + 2
    assert spent["total"] == pytest.approx(spent["itself"] + spent[DRIVER], abs=0.05)
    assert meter.resident_mb()["itself"] > 10


def _spend(seconds: float) -> None:
    began = os.times().user
    while os.times().user - began < seconds:
        pass


def test_turns_are_about_as_long_as_wanted_and_leave_nobody_out() -> None:
    assert turns(500, 100) == [slice(at, at + 100) for at in range(0, 500, 100)]
    assert turns(30, 100) == [slice(0, 30)]
    lengths = [one.stop - one.start for one in turns(430, 100)]
    assert (sum(lengths), max(lengths) - min(lengths)) == (430, 1)


def test_who_is_not_on_turn_rests_with_its_descendants_and_goes_on_afterwards() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'], check=True)"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
        parent = psutil.Process(process.pid)
        assert wait_until(lambda: bool(parent.children()), timeout=10)
        family = [parent, *parent.children()]

        with suspended([process.pid]):
            assert wait_until(
                lambda: {one.status() for one in family} == {psutil.STATUS_STOPPED}, timeout=10
            )

        process.communicate(b"\n", timeout=10)
        assert process.returncode == 0


def _next(counts: Iterator[int]) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return next(counts)

    return count


def test_the_most_that_a_process_holds_is_seen_and_drawn_under_the_limit() -> None:
    with watched() as memory:
        memory.add("this one", os.getpid())
        held = bytearray(os.urandom(1024)) * 30_000
        assert wait_until(lambda: memory.most().get("this one", 0) > len(held), timeout=10)
        memory.mark("done <here>")
    drawn = curves(memory, title="A & B", limit=250_000_000)
    assert ">done &lt;here&gt;, " in drawn
    assert f"this one: {memory.most()['this one'] / 1e6:.0f} MB at most" in drawn
    assert drawn.count("<polyline") == 1
