"""The life of a process: what stops it, in which order, and with which code."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from dsr_runtime.process import Process, Ready


class Work:
    """Work that ends when it is told to, and writes down what happens to it."""

    def __init__(self, name: str, diary: list[str], *, fault: Exception | None = None) -> None:
        self._name = name
        self._diary = diary
        self._fault = fault
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        await self._stopped.wait()
        self._diary.append(f"{self._name} ended")
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        self._diary.append(f"{self._name} asked")
        self._stopped.set()


def closer(diary: list[str], text: str) -> Callable[[], object]:
    async def close() -> None:
        diary.append(text)

    return close


async def failing() -> None:
    raise LookupError("gone")


async def ending() -> None:
    """End at once."""


async def test_a_signal_stops_the_work_in_the_order_it_was_spawned_and_closes_backwards() -> None:
    diary: list[str] = []
    process = Process()
    for name in ("http", "loop"):
        work = Work(name, diary)
        process.spawn(work.run(), stop=work.stop)
    for part in ("pool", "publisher"):
        process.on_close(closer(diary, f"{part} closed"))
    process.stopping.set()
    assert await process.wait() == 0
    assert diary == [
        "http asked", "http ended", "loop asked", "loop ended", "publisher closed", "pool closed",
    ]  # fmt: skip


async def test_what_is_needed_to_the_end_can_be_spawned_first() -> None:
    diary: list[str] = []
    process = Process()
    for name, turn in (("server", 1), ("loop", 0), ("registry", 1), ("relay", 0)):
        work = Work(name, diary)
        process.spawn(work.run(), stop=work.stop, turn=turn)
    process.stopping.set()
    assert await process.wait() == 0
    asked = [line.split()[0] for line in diary if line.endswith("asked")]
    assert asked == ["loop", "relay", "server", "registry"]


async def test_work_that_waits_for_a_part_begins_after_it() -> None:
    diary: list[str] = []
    there = asyncio.Event()
    process, work = Process(), Work("relay", diary)

    async def connect() -> None:
        await there.wait()
        diary.append("connected")

    ready = Ready(connect)
    process.on_close(ready.close)
    process.spawn(ready.then(work.run), stop=ready.stopping(work.stop))
    there.set()
    await ready.wait()
    process.stopping.set()
    assert await process.wait() == 0
    assert diary == ["connected", "relay asked", "relay ended"]


async def test_work_that_waits_for_a_part_that_never_comes_can_be_stopped() -> None:
    diary: list[str] = []
    process, work = Process(), Work("relay", diary)

    async def connect() -> None:
        await asyncio.Event().wait()

    ready = Ready(connect)
    process.on_close(ready.close)
    process.spawn(ready.then(work.run), stop=ready.stopping(work.stop))
    process.stopping.set()
    assert await asyncio.wait_for(process.wait(), 5) == 0
    assert diary == ["relay asked"]


async def test_a_part_that_cannot_begin_stops_the_process_with_code_1() -> None:
    process = Process()
    ready = Ready(failing)
    process.on_close(ready.close)
    process.spawn(ready.then(ending), stop=ready.stopping(lambda: None))
    assert await process.wait() == 1


async def test_a_task_that_fails_stops_the_process_with_code_1() -> None:
    diary: list[str] = []
    process = Process()
    work = Work("http", diary)
    process.spawn(work.run(), stop=work.stop)
    process.spawn(failing(), stop=lambda: None)
    process.on_close(closer(diary, "closed"))
    assert await process.wait() == 1
    assert diary == ["http asked", "http ended", "closed"]


async def test_a_task_that_ends_by_itself_stops_the_process() -> None:
    process = Process()
    process.spawn(ending(), stop=lambda: None)
    assert await process.wait() == 0


async def test_a_task_that_fails_while_stopping_gives_code_1_and_the_rest_still_ends() -> None:
    diary: list[str] = []
    process = Process()
    for name, fault in (("a", LookupError()), ("b", None)):
        work = Work(name, diary, fault=fault)
        process.spawn(work.run(), stop=work.stop)
    process.stopping.set()
    assert await process.wait() == 1
    assert diary == ["a asked", "a ended", "b asked", "b ended"]


async def test_a_task_that_does_not_end_in_time_is_cancelled_and_the_rest_still_ends() -> None:
    diary: list[str] = []

    async def deaf() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            diary.append("cancelled")
            raise

    process = Process(drain_timeout_s=0.01)
    process.spawn(deaf(), stop=lambda: None)
    process.on_close(closer(diary, "closed"))
    process.stopping.set()
    assert await process.wait() == 0
    assert diary == ["cancelled", "closed"]


async def test_tasks_that_do_not_end_share_one_deadline() -> None:
    diary: list[str] = []

    async def deaf() -> None:
        await asyncio.Event().wait()

    process = Process(drain_timeout_s=0.3)
    for _ in range(10):
        process.spawn(deaf(), stop=lambda: None)
    work = Work("last", diary)
    process.spawn(work.run(), stop=work.stop)
    process.stopping.set()
    clock = asyncio.get_running_loop().time
    began = clock()
    assert await process.wait() == 0
    assert clock() - began < 1.5
    assert diary == ["last asked", "last ended"]


async def test_one_that_hangs_leaves_time_to_those_after_it() -> None:
    """As a handler that waits for an answer does, before the worker that has tasks in hand."""
    diary: list[str] = []
    asked, finished = asyncio.Event(), asyncio.Event()

    async def deaf() -> None:
        await asyncio.Event().wait()

    async def draining() -> None:
        await asked.wait()
        asyncio.get_running_loop().call_later(0.1, finished.set)  # what is in hand takes so long
        await finished.wait()
        diary.append("drained")

    process = Process(drain_timeout_s=1)
    process.spawn(deaf(), stop=lambda: None)
    process.spawn(draining(), stop=asked.set)
    process.stopping.set()
    assert await process.wait() == 0
    assert diary == ["drained"]


async def test_a_task_that_fails_when_it_is_cancelled_leaves_nothing_open() -> None:
    diary: list[str] = []

    async def failing_late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError("while cleaning up")

    process = Process(drain_timeout_s=0.01)
    process.spawn(failing_late(), stop=lambda: None)
    process.on_close(closer(diary, "closed"))
    process.stopping.set()
    assert await process.wait() == 1
    assert diary == ["closed"]


async def test_a_part_that_does_not_close_keeps_no_other_open() -> None:
    diary: list[str] = []
    process = Process()
    process.on_close(closer(diary, "first closed last"))
    process.on_close(failing)
    process.stopping.set()
    assert await process.wait() == 1
    assert diary == ["first closed last"]


PROGRAM = """
import asyncio, sys
from dsr_runtime.logs import configure
from dsr_runtime.process import Process, StartFault, run

async def forever(stopped, process):
    print("running", flush=True)
    await stopped.wait()
    print("drained", flush=True)

async def main(process):
    {body}

configure(service="example", style="json", level="info")
run("example", main)
"""
RUNNING = "stopped = asyncio.Event(); process.spawn(forever(stopped, process), stop=stopped.set)"
STARTING = "print('running', flush=True); await asyncio.Event().wait()"


def program(body: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(running: subprocess.Popen[str]) -> tuple[int, str, str]:
    with running:
        out, err = running.communicate(timeout=30)
    return running.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_process_and_ends_it_with_code_0(number: signal.Signals) -> None:
    running = program(RUNNING)
    assert running.stdout is not None
    assert running.stdout.readline() == "running\n"
    running.send_signal(number)
    code, out, _ = outcome(running)
    assert (code, out) == (0, "drained\n")


def test_a_signal_while_starting_ends_the_process_with_code_0() -> None:
    running = program(STARTING)
    assert running.stdout is not None
    assert running.stdout.readline() == "running\n"
    running.send_signal(signal.SIGTERM)
    assert outcome(running)[0] == 0


def test_a_process_that_cannot_start_says_why_in_one_line() -> None:
    code, _, err = outcome(program("raise StartFault('port 80 cannot be taken')"))
    assert (code, err) == (1, "example: port 80 cannot be taken\n")


def test_a_fault_ends_the_process_with_code_1() -> None:
    code, _, err = outcome(program("process.spawn(asyncio.to_thread(int, 'x'), stop=int)"))
    assert code == 1
    assert "a task failed" in err


async def test_a_part_that_does_not_close_holds_up_neither_the_others_nor_the_end() -> None:
    diary: list[str] = []
    process = Process(close_timeout_s=0.02)

    async def never() -> None:
        await asyncio.Event().wait()

    process.on_close(closer(diary, "closed all the same"))
    process.on_close(never)
    process.stopping.set()
    assert await asyncio.wait_for(process.wait(), 10) == 1
    assert diary == ["closed all the same"]
