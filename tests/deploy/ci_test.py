"""What CI does where something cannot be had: it says so and goes on where nobody may have it, else an engine fails it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.sources import ROOT

ENGINE = (ROOT / "deploy" / "docker" / "engine.sh").read_text()
IS_ROOT = os.geteuid() == 0
NOT_ROOT = "only root may run one"
# Whoever is somebody else already stays so.
NOBODY = ("setpriv", "--reuid=65534", "--clear-groups") if IS_ROOT else ()
RIGHTLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if IS_ROOT else ()
"""Root that may do nothing but what anybody may, as in most containers."""

NO_RIGHT = "root may not mount, or unshare, here" if IS_ROOT else NOT_ROOT


def run(
    *command: str | Path, given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**os.environ, **variables}, input=given,
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


def can(*as_whom: str) -> subprocess.CompletedProcess[str]:
    # By what it reads: whoever runs it may have no right to the folder.
    return run(*as_whom, "bash", "-s", "can", given=ENGINE)


def cluster(*as_whom: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(*as_whom, ROOT / ".ci" / "cluster", **variables)


def test_without_a_program_that_makes_a_cluster_its_tests_are_left_out_and_that_is_said(
    tmp_path: Path,
) -> None:
    away = tmp_path / "cluster"
    done = cluster(CLUSTER=str(away))
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"No cluster can be had here (there is no {away}): tests/cluster is not run."
    ]


@pytest.mark.parametrize(
    ("as_whom", "why"),
    [(NOBODY, NOT_ROOT), (RIGHTLESS, NO_RIGHT)],
)
def test_who_may_run_no_engine_is_told_why(as_whom: tuple[str, ...], why: str) -> None:
    done = can(*as_whom)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [why]


def test_who_may_run_no_node_goes_without_a_cluster_and_says_so() -> None:
    done = cluster(*RIGHTLESS, CLUSTER="/bin/true")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"No cluster can be had here ({NO_RIGHT}): tests/cluster is not run."
    ]


def test_where_a_node_may_run_an_engine_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    done = cluster(CLUSTER="/bin/true", DOCKER_HOST=f"unix://{tmp_path}/none")
    may = can().returncode == 0
    assert done.returncode == may
    assert ("tests/cluster cannot be run: no engine has the images" in done.stderr) == may
