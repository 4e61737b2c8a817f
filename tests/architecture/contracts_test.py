"""What `make proto-check` is for: nothing that is published is taken back, on whichever branch."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from support.sources import ROOT

NOTICES = Path("proto/dsr/v1/notices.proto")


def comparison() -> list[str]:
    """Return the command by which `make proto-check` compares the contracts with those before."""
    planned = subprocess.run(
        ["make", "--dry-run", "proto-check"],  # noqa: S607 - the one that a developer calls
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    [line] = [one for one in planned.splitlines() if "buf breaking" in one]
    program, *arguments = shlex.split(line)
    return [str(ROOT / program), *arguments]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The contracts alone: no repository, so no branch to compare with."""
    shutil.copytree(ROOT / "proto", tmp_path / "proto", ignore=shutil.ignore_patterns("python"))
    return tmp_path


def compared(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(comparison(), cwd=checkout, capture_output=True, check=False, text=True)


def test_the_contracts_as_they_are_break_nothing(checkout: Path) -> None:
    done = compared(checkout)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_field_that_is_taken_away_on_the_main_branch_is_found(checkout: Path) -> None:
    """The contracts were compared with branch main, so on main with themselves."""
    path = checkout / NOTICES
    lines = path.read_text().splitlines(keepends=True)
    field = next(line for line in lines if line.rstrip().endswith("= 1;"))
    path.write_text("".join(line for line in lines if line != field))
    done = compared(checkout)
    assert done.returncode != 0
    assert "was deleted" in done.stdout
