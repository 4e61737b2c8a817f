"""`dsr plan` without a stack: who is asked in which phase, why, and as a picture."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from dsr_cli.commands import plan
from dsr_cli.errors import CommandError
from dsr_core.rights import Right
from support.sources import ROOT


def run(*arguments: str, registry: Path = ROOT / "registry") -> Result:
    app = typer.Typer()
    app.command()(plan.command)
    return CliRunner().invoke(app, [str(registry), *arguments])


def document(*arguments: str, registry: Path = ROOT / "registry") -> dict[str, Any]:
    result = run(*arguments, "--json", registry=registry)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def phase_of(found: dict[str, Any], system_id: str) -> int:
    [phase] = [
        number
        for number, phase in enumerate(found["phases"])
        if system_id in {one["system_id"] for one in phase}
    ]
    return phase


def test_a_deletion_goes_from_the_copies_to_where_they_come_from() -> None:
    found = document("--right", "deletion")
    assert found["order"]
    for one in found["order"]:
        assert phase_of(found, one["before"]) < phase_of(found, one["after"])
    [reason] = [
        one["reason"]
        for one in found["order"]
        if (one["before"], one["after"]) == ("newsletter", "accounts")
    ]
    assert reason == "accounts would fill newsletter again"


def test_who_needs_what_another_finds_out_comes_after_it() -> None:
    known = document("--right", "access", "--identifier", "account_id", "--identifier", "email")
    found = document("--right", "access", "--identifier", "email")
    assert not [
        one for one in known["order"] if one["why"] == "resolves" and one["after"] == "billing"
    ]
    resolving = [one for one in found["order"] if one["why"] == "resolves"]
    assert {one["before"] for one in resolving} == {"accounts"}
    for one in resolving:
        assert phase_of(found, one["before"]) < phase_of(found, one["after"])


def test_a_scope_asks_only_whom_it_means() -> None:
    found = document("--organisation", "backup-provider")
    [[one]] = found["phases"]
    assert one["organisation_id"] == "backup-provider"


def test_the_table_names_every_system() -> None:
    shown = run("--right", "deletion").stdout
    for phase in document("--right", "deletion")["phases"]:
        assert all(one["system_id"][:6] in shown for one in phase)


@pytest.mark.parametrize("right", [Right.DELETION, Right.ACCESS])
def test_the_picture_has_a_box_a_system_and_an_arrow_a_reason(tmp_path: Path, right: Right) -> None:
    file = tmp_path / "plan.svg"
    found = document("--right", right, "--identifier", "email", "--svg", str(file))
    picture = ET.parse(file).getroot()  # noqa: S314 - it was written here
    svg = "{http://www.w3.org/2000/svg}"
    assert len(list(picture.iter(f"{svg}title"))) == len(found["order"])
    drawn = {(one.text or "").partition(";")[0] for one in picture.iter(f"{svg}text")}
    assert {one["system_id"] for phase in found["phases"] for one in phase} <= drawn


def test_a_kind_that_nobody_knows_people_by_is_named() -> None:
    result = run("--identifier", "shoe_size")
    assert isinstance(result.exception, CommandError)
    assert "shoe_size" in str(result.exception)


def test_a_scope_that_nobody_is_in_is_said() -> None:
    result = run("--organisation", "nobody")
    assert isinstance(result.exception, CommandError)
    assert "no system would be asked" in str(result.exception)


PROCESSORS_FIRST = ROOT / "examples" / "processors-first"
KNOWN = ("--identifier", "email", "--identifier", "account_id")
ROW = re.compile(r"^\| (\d) \| `([a-z]+)` \| ?(.*?) ?\|$", re.MULTILINE)


def test_the_example_of_processors_first_is_planned_as_its_readme_says() -> None:
    found = document("--right", "deletion", *KNOWN, registry=PROCESSORS_FIRST)
    planned = [
        (
            str(number),
            one["system_id"],
            ", ".join(
                f"`{edge['before']}` ({edge['why']})"
                for edge in found["order"]
                if edge["after"] == one["system_id"]
            ),
        )
        for number, phase in enumerate(found["phases"], start=1)
        for one in phase
    ]
    assert ROW.findall((PROCESSORS_FIRST / "README.md").read_text()) == planned
    assert {edge["why"] for edge in found["order"]} == {"processors_first", "erase_after"}


def test_the_policy_holds_up_nothing_but_deletions() -> None:
    found = document("--right", "access", *KNOWN, registry=PROCESSORS_FIRST)
    assert (len(found["phases"]), found["order"]) == (1, [])
