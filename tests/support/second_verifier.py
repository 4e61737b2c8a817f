"""The second verifier of certificates, and the reader of logs, which are built from Go."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.parts import ROOT

__all__ = ["SOURCE", "Second", "build_log_reader", "build_second_verifier"]

SOURCE = ROOT / "tests" / "evidence"

Second = Callable[..., str]
"""Takes a certificate and the published keys; returns what it says."""


def build_second_verifier(folder: Path) -> Second:
    """Build the verifier of `tests/evidence/verifier`."""
    binary = _built("verifier", folder)

    def verify(certificate: bytes, keys: bytes) -> str:
        (folder / "certificate.json").write_bytes(certificate)
        (folder / "keys.json").write_bytes(keys)
        return _said(binary, folder / "certificate.json", folder / "keys.json")

    return verify


def build_log_reader(folder: Path) -> Callable[[str, str, str], str]:
    """Build the reader of `tests/evidence/reader`: of an address, the log's key, and a checkpoint."""
    binary = _built("reader", folder)

    def read(url: str, key: str, checkpoint: str) -> str:
        (folder / "checkpoint").write_text(checkpoint)
        return _said(binary, url, key, folder / "checkpoint")

    return read


def _built(name: str, folder: Path) -> Path:
    """Build a program by the Go of the lock file, or the path's."""
    beside = Path(sys.executable).with_name("go")
    go = str(beside) if beside.exists() else shutil.which("go")
    if go is None:
        pytest.skip("there is no Go to build the second verifier with")
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-buildvcs=false", "-o", str(folder / name), f"./{name}"],
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode and "dial tcp" in built.stderr:
        pytest.skip("the Go modules of the second verifier cannot be fetched from here")
    assert built.returncode == 0, built.stderr
    return folder / name


def _said(*command: Path | str) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode in {0, 1}, done.stderr
    assert (done.returncode == 0) == (done.stdout == "good\n")
    return done.stdout.strip()
