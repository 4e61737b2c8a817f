"""The version before this one: its sources, from the history, as processes of a stack of this one.

Which one that is, `PREVIOUS` says: a git ref. Where nobody has said, it is the last tag, and where there
is none, the commit in `previous.txt` beside this file.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dsr_cli.stack import Stack
from dsr_cli.stack.process import ProcessSpec
from dsr_cli.stack.specs import service_specs
from support.parts import ROOT

__all__ = ["Previous", "previous"]

_GIT = shutil.which("git") or "git"

_SETTINGS = """
import json, sys
from pathlib import Path
from dsr_cli.stack import Stack, StackSettings
from dsr_cli.stack.specs import service_specs

checkout, port_base, data_dir, cache_dir = sys.argv[1:]
settings = StackSettings(
    checkout=Path(checkout),
    port_base=int(port_base),
    data_dir=Path(data_dir),
    cache_dir=Path(cache_dir),
)
specs = service_specs(Stack(settings, attached=False), with_mail=True)
print(json.dumps({one.name: dict(one.env) for one in specs}))
"""
"""Asked of the version before: a service is told what that version's own stack tells it."""


class Previous:
    """The sources of the version before this one."""

    def __init__(self, folder: Path, ref: str) -> None:
        self.ref = ref
        self.folder = folder
        self._path = os.pathsep.join(
            str(one) for pattern in ("libs/*/src", "services/*/src", "proto/python/src",
            "examples/src") for one in sorted(folder.glob(pattern))
        )  # fmt: skip

    def services(self, stack: Stack) -> dict[str, ProcessSpec]:
        """Return how each service of then runs on a stack of now, under a name of its own.

        None migrates by itself: the schemas are of whichever version is the newest.
        """
        told: dict[str, dict[str, str]] = json.loads(self._run(_SETTINGS, stack))
        ours = {"PYTHONPATH": self._path, "DSR_POSTGRES_MIGRATES": "false"}
        return {
            one.name: replace(one, name=f"{one.name}-before", env={**told[one.name], **ours})
            for one in service_specs(stack)
        }

    def _run(self, program: str, stack: Stack) -> str:
        place = stack.settings
        arguments = [place.checkout, place.port_base, place.data_dir, place.cache_dir]
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": self._path},
            cwd=self.folder, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout


def previous(folder: Path) -> Previous:
    """Unpack the version before this one; its dependencies are those that are installed here.

    A clone that lacks the history skips, which CI counts as a failure. A version whose own
    requirements are not met by what is installed fails, and says which: what ran then would be
    neither version.
    """
    ref = _ref()
    if _git("rev-parse", "--quiet", "--verify", f"{ref}^{{commit}}") is None:
        if _git("rev-parse", "--is-shallow-repository") == "true":
            pytest.skip(f"this clone is shallow and has no {ref}: git fetch --unshallow --tags")
        pytest.fail(f"the history has no {ref}; PREVIOUS names the version before this one")
    archive = subprocess.run(
        [_GIT, "archive", ref], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    unmet = sorted({one for file in folder.glob("*/*/pyproject.toml") for one in _unmet(file)})
    if unmet:
        pytest.fail(f"{ref} needs what is not installed here: {', '.join(unmet)}")
    return Previous(folder, ref)


def _ref() -> str:
    told = os.environ.get("PREVIOUS") or _git("describe", "--tags", "--abbrev=0", "HEAD^")
    return told or (Path(__file__).parent / "previous.txt").read_text().strip()


def _git(*arguments: str) -> str | None:
    done = subprocess.run(
        [_GIT, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _unmet(file: Path) -> list[str]:
    declared = tomllib.loads(file.read_text())["project"].get("dependencies", [])
    return [one for one in declared if not one.startswith("dsr-") and not _is_met(one)]


def _is_met(text: str) -> bool:
    requirement = Requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False
