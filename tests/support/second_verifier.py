"""The second verifier of certificates, which is built from Go."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.parts import ROOT

__all__ = ["SOURCE", "Second", "build_second_verifier"]

SOURCE = ROOT / "tests" / "evidence" / "verifier"

Second = Callable[..., str]
"""Takes a certificate, the published keys and perhaps a log's address; returns what it says."""


def build_second_verifier(folder: Path) -> Second:
    """Build the verifier of `tests/evidence/verifier` by the Go of the lock file, or the path's."""
    beside = Path(sys.executable).with_name("go")
    go = str(beside) if beside.exists() else shutil.which("go")
    if go is None:
        pytest.skip("there is no Go to build the second verifier with")
    binary = folder / "verifier"
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-buildvcs=false", "-o", str(binary), "."],
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode and "dial tcp" in built.stderr:
        pytest.skip("the Go modules of the second verifier cannot be fetched from here")
    assert built.returncode == 0, built.stderr

    def verify(certificate: bytes, keys: bytes, *log: str) -> str:
        (folder / "certificate.json").write_bytes(certificate)
        (folder / "keys.json").write_bytes(keys)
        done = subprocess.run(
            [str(binary), str(folder / "certificate.json"), str(folder / "keys.json"), *log],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert done.returncode in {0, 1}, done.stderr
        assert (done.returncode == 0) == (done.stdout == "good\n")
        return done.stdout.strip()

    return verify
