"""Migrations: each schema's are one chain, so that two of one number cannot be merged."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(ROOT.glob("services/*/src/*/migrations"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_each_migration_follows_the_one_before_it(folder: Path) -> None:
    found = []
    for path in sorted(folder.glob("v*.py")):
        text = path.read_text()
        [own] = re.findall(r'^revision = "(\d+)"$', text, re.MULTILINE)
        [before] = re.findall(r'^down_revision = "?(\d+|None)"?$', text, re.MULTILINE)
        assert path.name.startswith(f"v{own}_")
        found.append((before, own))
    numbers = ["None", *(f"{number:04}" for number in range(1, len(found) + 1))]
    assert found == list(pairwise(numbers))
