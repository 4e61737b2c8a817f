"""Documents say what is so: generated parts are fresh, and every test and file they name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dsr_core.lifecycle import TRANSITIONS
from dsr_core.registry import Registry
from dsr_wire.topics import all_topics, is_dead_letter
from support.command_line import named_in
from support.sources import ROOT, tracked

LIFECYCLE = ROOT / "docs" / "lifecycle.md"
DECISIONS = sorted((ROOT / "docs" / "adr").glob("0*.md"))
NAMED_TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)(?:::(?P<name>\w+))?`")
LINK = re.compile(r"\]\((?P<target>[^)#:]+)(?:#[^)]*)?\)")


def test_the_states_of_the_lifecycle_are_those_of_the_code() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "gen_lifecycle.py", "--check"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    text = LIFECYCLE.read_text()
    for (before, event), after in TRANSITIONS.items():
        assert f"| {before} | {event} | {after} |" in text


def test_every_step_says_what_shows_it() -> None:
    steps = re.split(r"^## \d\. ", LIFECYCLE.read_text(), flags=re.MULTILINE)[1:]
    assert len(steps) == 8
    for step in steps:
        assert NAMED_TEST.search(step), step.splitlines()[0]
        assert "crash before" in step
        assert "crash after" in step or "crash between" in step


@pytest.mark.parametrize(
    "path", [path for path in tracked() if path.endswith(".md")], ids=lambda path: path
)
def test_what_a_document_names_is_there(path: str) -> None:
    text = (ROOT / path).read_text()
    missing = [
        found[0]
        for found in NAMED_TEST.finditer(text)
        if not (ROOT / found["path"]).is_file()
        or f"def {found['name'] or ''}" not in (ROOT / found["path"]).read_text()
    ]
    missing += [
        found["target"]
        for found in LINK.finditer(text)
        if not ((ROOT / path).parent / found["target"]).exists()
    ]
    assert missing == []


@pytest.mark.parametrize(
    "path",
    # What was so once is not held to what is so now.
    [
        one
        for one in tracked()
        if one.endswith(".md") and "/adr/" not in one and one != "CHANGELOG.md"
    ],
    ids=lambda path: path,
)
def test_the_commands_of_a_document_exist_and_take_its_options(path: str) -> None:
    commands = named_in((ROOT / path).read_text())
    assert {call: fault for call, fault in commands.items() if fault} == {}


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_three_parts_and_a_line_in_the_list(path: Path) -> None:
    text = path.read_text()
    heads = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert heads == ["Context", "Decision", "Consequences"]
    assert text.startswith(f"# {int(path.stem[:4])}. ")
    assert len(text.splitlines()) <= 45
    assert f"({path.name})" in (path.parent / "README.md").read_text()


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.stem[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_partitions_of_each_topic_are_those_of_the_code() -> None:
    section = (ROOT / "docs" / "scaling.md").read_text().split("## Partitions")[1].split("\n## ")[0]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("| `")]
    told = {
        topic: int(partitions)
        for topics, _, partitions in rows
        for topic in re.findall(r"`(dsr\.[a-z.0-9]+)`", topics)
    }
    assert told == {
        one.name: one.partitions
        for one in all_topics(Registry(organisations=(), systems=()))
        if not is_dead_letter(one.name)
    }
