"""A right is added by the steps of docs/adding-a-right.md and by nothing else, and goes all the way round."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.diffs import applied, changes_in
from support.parts import ROOT, data_folder

PAGE = ROOT / "docs" / "adding-a-right.md"
COPIED = ("deploy", "docs", "examples", "libs", "proto", "registry", "rules", "services", "tests", "tools")  # fmt: skip
PACKAGES = ("libs/*/src", "services/*/src", "proto/python/src", "examples/src")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as whoever follows the page has it then."""
    root = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    changes = list(changes_in(PAGE.read_text(encoding="utf-8")))
    assert len(changes) > 5
    for change in changes:
        applied(change, root)
    run(root, "tools/gen_proto.py")
    return root


def run(root: Path, *arguments: str, within: float = 60.0) -> str:
    """Run Python with what the copy holds in the place of what is installed."""
    sources = [str(path) for each in PACKAGES for path in sorted(root.glob(each))]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sources, str(root / "tests")])},
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_rules_of_rights_hold_for_the_new_one(copy: Path) -> None:
    said = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", "tests/unit/core/rights_test.py")  # fmt: skip
    assert "silence" in run(copy, "-c", "from dsr_core.rights import *; print(*RIGHTS)")
    assert "passed" in said


def test_registry_and_rules_of_the_page_are_sound(copy: Path) -> None:
    for command in (("registry", "check", "registry"), ("rules", "check", "rules")):
        assert "no faults" in run(copy, "-c", "from dsr_cli.main import main; main()", *command)


@pytest.mark.timeout(180)
def test_a_request_for_it_goes_all_the_way_round(copy: Path) -> None:
    with data_folder() as folder:
        found = json.loads(run(copy, "tests/support/added_right.py", str(folder), within=150))
    request, [obligation] = found["request"], found["obligations"]
    assert (request["state"], request["outcome"]) == ("answered", "fulfilled")
    assert (request["right"], request["regime"]) == ("silence", "gdpr")
    assert (obligation["system_id"], obligation["disposition"]) == ("newsletter", "heeded")
    assert any("an end to surveys" in one for one in found["letters"])
