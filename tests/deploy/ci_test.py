"""What CI does where something cannot be had: it says so, and goes on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.sources import ROOT


def test_without_a_cluster_its_tests_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    away = tmp_path / "cluster"
    done = subprocess.run(
        [ROOT / ".ci" / "cluster"], env={**os.environ, "CLUSTER": str(away)},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"No cluster could be had here (there is no {away}): tests/cluster is not run."
    ]
