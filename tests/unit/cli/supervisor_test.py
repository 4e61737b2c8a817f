from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dsr_cli.stack import ProcessSpec, StackError
from dsr_cli.stack.records import ProcessRecord, Records, start_mark
from dsr_cli.stack.supervisor import Supervisor, is_gone
from dsr_cli.stack.tools import run_tool
from dsr_cli.waiting import wait_until

_SLEEPS = "import threading; print('here', flush=True); threading.Event().wait()"
_DEAF = (
    "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('here', flush=True); threading.Event().wait()"
)


class Bench:
    """A supervisor on a folder, and what its processes write."""

    def __init__(self, folder: Path, *, attached: bool = True) -> None:
        self.records = Records(folder)
        self.supervisor = Supervisor(
            records=self.records, logs_dir=folder, host="127.0.0.1", attached=attached
        )

    def spec(self, code: str, name: str = "sleeper") -> ProcessSpec:
        return ProcessSpec(
            name=name,
            argv=(sys.executable, "-c", code),
            ready=lambda: "here" in self.supervisor.log(name).read_text(),
        )

    def start(self, spec: ProcessSpec) -> None:
        self.supervisor.start(spec, note=lambda _: None, cancelled=threading.Event())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for record in bench.records:
        bench.supervisor.stop(record.name)


def test_started_process_is_known_by_its_pid_file(bench: Bench) -> None:
    bench.start(bench.spec(_SLEEPS))

    record = bench.records.read("sleeper")
    assert record is not None
    assert record.pid == bench.supervisor.pid("sleeper")
    assert [one.name for one in bench.records.running()] == ["sleeper"]


def test_starting_twice_keeps_the_first(bench: Bench) -> None:
    bench.start(bench.spec(_SLEEPS))
    before = bench.supervisor.pid("sleeper")

    bench.start(bench.spec(_SLEEPS))

    assert bench.supervisor.pid("sleeper") == before


def test_stopped_process_leaves_no_pid_file(bench: Bench) -> None:
    bench.start(bench.spec(_SLEEPS))

    bench.supervisor.stop("sleeper")
    bench.supervisor.stop("sleeper")

    assert not bench.supervisor.is_running("sleeper")
    assert list(bench.records) == []


def test_process_deaf_to_the_stop_signal_is_killed(bench: Bench) -> None:
    bench.start(replace(bench.spec(_DEAF), stop_timeout=0.1))

    bench.supervisor.stop("sleeper")

    assert not bench.supervisor.is_running("sleeper")


def test_paused_process_can_be_stopped(bench: Bench) -> None:
    bench.start(bench.spec(_SLEEPS))
    bench.supervisor.kill("sleeper", signal.SIGSTOP)

    bench.supervisor.stop("sleeper")

    assert not bench.supervisor.is_running("sleeper")


def test_killed_process_takes_its_descendants_along(bench: Bench) -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_SLEEPS!r}])"
    bench.start(bench.spec(child))
    pid = bench.supervisor.pid("sleeper")
    assert pid is not None
    [descendant] = psutil.Process(pid).children(recursive=True)

    bench.supervisor.kill("sleeper")

    assert is_gone(descendant)


def test_killing_what_does_not_run_is_said(bench: Bench) -> None:
    with pytest.raises(StackError, match="sleeper is not running"):
        bench.supervisor.kill("sleeper")


def test_process_that_ends_early_is_told_with_the_end_of_its_log(bench: Bench) -> None:
    spec = bench.spec("import sys; print('no such thing'); sys.exit(3)")

    with pytest.raises(StackError, match=r"sleeper ended with status 3 .*(?s:.*)no such thing"):
        bench.start(spec)
    assert list(bench.records) == []


def test_only_the_log_of_this_start_is_told(bench: Bench) -> None:
    bench.supervisor.log("sleeper").write_text("yesterday's news\n")

    with pytest.raises(StackError, match="it wrote nothing to"):
        bench.start(replace(bench.spec("raise SystemExit(1)"), ready=lambda: False))


def test_process_that_is_not_ready_in_time_is_stopped(bench: Bench) -> None:
    spec = replace(bench.spec(_SLEEPS), ready=lambda: False, ready_timeout=0.1)

    with pytest.raises(StackError, match="sleeper was not ready within"):
        bench.start(spec)
    assert not bench.supervisor.is_running("sleeper")


def test_missing_program_is_named(bench: Bench) -> None:
    spec = replace(bench.spec(""), argv=("/no/such/program",))

    with pytest.raises(StackError, match="cannot start sleeper: /no/such/program: No such file"):
        bench.start(spec)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", _SLEEPS], stdout=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def test_recycled_pid_is_never_signalled(bench: Bench, stranger: subprocess.Popen[bytes]) -> None:
    bench.records.write(
        ProcessRecord(
            name="sleeper",
            pid=stranger.pid,
            start_mark="of another process",
            wave=0,
            stop_signal=signal.SIGTERM,
            stop_timeout=1,
        )
    )

    assert not bench.supervisor.is_running("sleeper")
    bench.supervisor.stop("sleeper")

    assert stranger.poll() is None


def test_later_supervisor_stops_what_an_earlier_one_detached(tmp_path: Path) -> None:
    earlier, later = Bench(tmp_path, attached=False), Bench(tmp_path, attached=False)
    earlier.start(earlier.spec(_SLEEPS))
    assert later.supervisor.is_running("sleeper")

    # Its parent is this very process, which has to see its end, as init would.
    stopping = threading.Thread(target=later.supervisor.stop, args=("sleeper",))
    stopping.start()
    stopping.join()

    assert not later.supervisor.is_running("sleeper")
    earlier.supervisor.stop("sleeper")


def test_attached_process_survives_the_thread_that_started_it(bench: Bench) -> None:
    thread = threading.Thread(target=bench.start, args=(bench.spec(_SLEEPS),))
    thread.start()
    thread.join()

    assert not wait_until(lambda: not bench.supervisor.is_running("sleeper"), timeout=0.2)


def test_start_mark_stays_while_the_process_runs_and_is_gone_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", _SLEEPS], stdout=subprocess.DEVNULL) as process:
        first, second = start_mark(process.pid), start_mark(process.pid)
        process.kill()

    assert first == second != ""
    assert start_mark(process.pid) == ""


_SAYS_FULL = """
import os
print('going on')
os.write(os.open('/dev/full', os.O_WRONLY), b'x')
"""


def test_part_that_finds_its_disk_full_is_told_in_one_line(bench: Bench) -> None:
    """It was told by the end of its log: a dozen lines of which one mattered."""
    with pytest.raises(StackError) as caught:
        bench.start(bench.spec(_SAYS_FULL))
    [line] = str(caught.value).splitlines()
    assert line.startswith("sleeper ended with status 1 before it was ready: its disk is full")
    assert "free some space, or move the data: DSR_DATA_DIR=" in line


def test_tool_that_finds_its_disk_full_is_told_in_one_line() -> None:
    with pytest.raises(StackError) as caught:
        run_tool([sys.executable, "-c", _SAYS_FULL])
    [line] = str(caught.value).splitlines()
    assert "its disk is full; free some space, or move the data: DSR_DATA_DIR=" in line
