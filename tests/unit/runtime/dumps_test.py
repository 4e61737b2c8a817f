"""Core dumps: a service that the kernel ends leaves none; the same program without the switch does."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PATTERN = Path("/proc/sys/kernel/core_pattern")

ABORTING = """
import os, sys

def abort():
    os.abort()

if sys.argv[1] == "service":
    from dsr_runtime.process import run

    async def main(_process):
        abort()

    run("intake", main)
abort()
"""

LOOKING = """
import ctypes, resource
from dsr_runtime.dumps import forbid_core_dumps
forbid_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def allow_dumps() -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def dumps_after_abort(folder: Path, kind: str) -> list[Path]:
    folder.mkdir()
    ended = subprocess.run(
        (sys.executable, "-c", ABORTING, kind),
        cwd=folder,
        preexec_fn=allow_dumps,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == -signal.SIGABRT, ended.stderr
    return list(folder.iterdir())


def test_a_service_that_the_kernel_ends_leaves_no_core_dump(tmp_path: Path) -> None:
    assert dumps_after_abort(tmp_path / "service", "service") == []
    writes_here = PATTERN.is_file() and PATTERN.read_text().strip() in {"core", "core.%p"}
    if writes_here and resource.getrlimit(resource.RLIMIT_CORE)[1] != 0:
        assert dumps_after_abort(tmp_path / "bare", "bare"), "without the switch it leaves one"


@pytest.mark.skipif(sys.platform != "linux", reason="the flag is Linux's")
def test_the_limit_is_zero_and_the_memory_is_nobody_elses_to_read() -> None:
    said = subprocess.run(
        (sys.executable, "-c", LOOKING), capture_output=True, check=True, text=True, timeout=30
    ).stdout
    assert said.split() == ["(0,", "0)", "0"]
