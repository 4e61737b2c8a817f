"""`dsr timeline` without a stack: what it prints, and what it says when it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import pytest
import typer
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from dsr_cli import connection
from dsr_cli.api import client
from dsr_cli.commands import timeline
from dsr_cli.errors import CommandError
from dsr_cli.view.timeline import timeline_view
from support.sources import ROOT

EXAMPLE = [
    "--regime", "gdpr", "--right", "deletion", "--jurisdiction", "DE",
    "--received", "2026-01-31", "--identity-proven", "2026-01-31",
]  # fmt: skip


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(timeline.command)
    return CliRunner().invoke(app, [*arguments, "--rules", str(ROOT / "rules")])


def document(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def complaint(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, CommandError), result.output
    [line] = str(result.exception).splitlines()
    return line


def picture(*arguments: str) -> list[str]:
    """What a terminal of 80 columns shows."""
    console = Console(width=80)
    with console.capture() as captured:
        console.print(timeline_view(document(*arguments)))
    return captured.get().splitlines()


def test_each_entry_has_its_name_date_rule_and_arithmetic_and_no_more() -> None:
    entries = document(*EXAMPLE)["entries"]
    assert [sorted(one) for one in entries] == [["at", "name", "rule", "why"]] * 3
    assert {one["name"]: one["at"] for one in entries} == {
        "respond_by": "2026-03-02T23:59:59+01:00",
        "extension_notice_by": "2026-03-02T23:59:59+01:00",
        "refusal_notice_by": "2026-03-02T23:59:59+01:00",
    }
    [respond_by] = [one for one in entries if one["name"] == "respond_by"]
    assert respond_by["rule"] == "GDPR art. 12(3) (version 1)"
    assert respond_by["why"] == (
        "1 month after 2026-01-31 is 2026-02-28, a Saturday; moved to Monday 2026-03-02: "
        "Regulation 1182/71 art. 3(4)"
    )


def test_the_document_says_which_regime_and_why_and_by_which_rules() -> None:
    asked = document(*EXAMPLE)
    assert (asked["regime"], asked["regime_why"]) == ("gdpr", "it was asked for")
    assert (asked["right"], asked["jurisdiction"]) == ("deletion", "DE")
    assert asked["zone"] == "Europe/Berlin"
    assert len(asked["rules_digest"]) == 64
    found = document("--jurisdiction", "CA-QC", "--received", "2026-03-02")
    assert found["regime"] == "quebec_law25"
    assert found["regime_why"] == (
        "Act respecting the protection of personal information in the private sector "
        "applies in CA-QC"
    )


def test_an_awaited_date_is_null() -> None:
    entries = document("--jurisdiction", "GB", "--received", "2026-03-02")["entries"]
    assert {one["name"]: one["at"] for one in entries}["respond_by"] is None


def test_a_day_means_its_noon_where_the_establishment_is() -> None:
    facts = document("--jurisdiction", "US-CA", "--received", "2026-03-02")["facts"]
    assert facts == [{"kind": "received", "at": "2026-03-02T20:00:00+00:00"}]


def test_facts_of_a_kind_may_be_several_and_come_in_their_order() -> None:
    facts = document(
        "--jurisdiction", "GB", "--received", "2026-03-02", "--identity-proven", "2026-03-02",
        "--clarification-asked", "2026-03-20", "--clarification-asked", "2026-03-09",
        "--clarification-given", "2026-03-16",
    )["facts"]  # fmt: skip
    assert [one["kind"] for one in facts] == [
        "received",
        "identity_proven",
        "clarification_asked",
        "clarification_given",
        "clarification_asked",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2026-02-30", "2026-13-01", "31.01.2026", "2026-01-31T25:00", "1970", "2026-1-31",
        "2026-01-31 noon", "2026-01-31\n2026-02-01",
    ],
)  # fmt: skip
def test_a_bad_date_is_told_in_one_line(text: str) -> None:
    line = complaint("--jurisdiction", "DE", "--received", text)
    assert line.endswith("is no date; write it as 2026-01-31")


@pytest.mark.parametrize(
    "text", ["9999-12-31", "0001-01-01", "9999-12-31T23:59:59-14:00", "1969-12-31", "2101-01-01"]
)
def test_a_date_beyond_every_calendar_is_told_in_one_line(text: str) -> None:
    line = complaint("--jurisdiction", "DE", "--received", text)
    assert line == f"'{text}' is too far away; dates are counted from 1970 to 2100"


def test_a_bad_date_of_a_later_fact_is_told_too() -> None:
    line = complaint("--jurisdiction", "DE", "--received", "2026-01-31", "--refused", "later")
    assert line == "'later' is no date; write it as 2026-01-31"


def test_an_unknown_regime_is_told_with_those_there_are() -> None:
    line = complaint("--regime", "gdrp", "--jurisdiction", "DE", "--received", "2026-01-31")
    assert line == (
        "there is no regime 'gdrp'; there are ccpa, default, gdpr, korea_pipa, lgpd, "
        "quebec_law25, uk_gdpr, vcdpa"
    )


@pytest.mark.parametrize(
    "text", ["UK", "de", "Germany", "EU", "US_CA", "DE-", "DE-by", "XX-YY", ""]
)
def test_what_is_no_jurisdiction_has_no_default_rules(text: str) -> None:
    line = complaint("--jurisdiction", text, "--received", "2026-01-31")
    assert line.startswith(f"'{text}' is no ISO 3166 code such as 'DE' or 'US-CA'")


def test_no_receipt_is_told_in_one_line() -> None:
    assert "give --received" in complaint("--jurisdiction", "DE")
    assert "give --received" in complaint("--jurisdiction", "DE", "--identity-proven", "2026-01-31")


def test_neither_an_id_nor_a_jurisdiction_is_told_in_one_line() -> None:
    assert "give the id of a request" in complaint()
    assert "give the id of a request" in complaint("--regime", "gdpr", "--received", "2026-01-31")


def test_a_regime_that_was_not_in_force_is_told_instead_of_an_empty_timeline() -> None:
    line = complaint("--regime", "gdpr", "--jurisdiction", "DE", "--received", "2018-05-24")
    assert line == (
        "General Data Protection Regulation had no date for deletion on 2018-05-24; "
        "without --regime, the one that applies is taken"
    )


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_rules_with_faults_are_told_as_dsr_rules_tells_them(
    tmp_path: Path, as_json: tuple[str, ...]
) -> None:
    app = typer.Typer()
    app.command()(timeline.command)
    where = tmp_path / "none"
    result = CliRunner().invoke(app, [*EXAMPLE, "--rules", str(where), *as_json])
    assert result.exit_code == 1
    if as_json:
        [fault] = json.loads(result.stdout)["faults"]
        assert (fault["file"], fault["message"]) == (str(where), "no such folder")
    else:
        assert f"{where}: no such folder" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(EXAMPLE, id="the example of the issue"),
        pytest.param(["--jurisdiction", "US-CA", "--received", "2026-11-20"], id="ccpa"),
        pytest.param(["--jurisdiction", "GB", "--received", "2026-03-02"], id="awaited"),
        pytest.param(
            [
                "--jurisdiction", "US-VA", "--received", "2026-03-02", "--refused", "2026-04-10",
                "--appealed", "2026-04-20", "--answered", "2029-06-01",
            ],
            id="three years",
        ),
        pytest.param(["--jurisdiction", "CA-QC", "--received", "2026-03-02"], id="a long title"),
    ],
)  # fmt: skip
def test_the_picture_fits_into_eighty_columns_and_loses_nothing(arguments: list[str]) -> None:
    lines = picture(*arguments)
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    found = document(*arguments)
    for one in found["entries"]:
        assert one["name"].replace("_", " ") in text
        assert one["rule"] in text
        assert one["why"] in text
    assert text.count("●") == len(found["facts"])
    assert text.count("…") == len([one for one in found["entries"] if not one["at"]])
    assert text.count("◆") == len([one for one in found["entries"] if one["at"]])


def test_the_picture_places_each_date_on_one_scale() -> None:
    lines = picture(
        "--jurisdiction", "US-CA", "--received", "2026-03-02", "--answered", "2026-04-01"
    )
    marks = {line.split("◆")[1].split()[0]: line.index("◆") for line in lines if "◆" in line}
    assert marks["acknowledge"] < marks["respond"] < marks["keep"]
    assert "day 45" in next(line for line in lines if "respond by" in line and "◆" in line)


def test_a_moment_is_drawn_on_its_day_where_the_establishment_is() -> None:
    lines = picture("--jurisdiction", "DE", "--received", "2026-03-15T23:30:00+00:00")
    assert any(line.startswith("2026-03-16 Mon  ●") and "received" in line for line in lines)
    assert any(line.startswith("2026-04-16 Thu") and "day 31" in line for line in lines)


def test_the_command_prints_the_picture() -> None:
    result = run(*EXAMPLE)
    assert result.exit_code == 0
    assert "deletion in DE, by gdpr: it was asked for; days of Europe/Berlin" in result.stdout


class PretendedIntake:
    """Answers as intake does, with the dates of one request."""

    def __init__(self, *_connection: str) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass

    async def timeline(self, request_id: str) -> dict[str, Any]:
        assert request_id == "one"
        return document(*EXAMPLE)


def test_a_request_that_was_accepted_is_asked_of_intake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "IntakeClient", PretendedIntake)
    monkeypatch.setattr(connection, "api_connection", lambda: ("url", "key"))
    assert document("one") == document(*EXAMPLE)
    assert run("one").stdout == run(*EXAMPLE).stdout


def test_the_command_does_not_pay_for_what_it_does_not_use() -> None:
    code = (
        "import sys, dsr_cli.commands.timeline; "
        "sys.exit(bool({'yaml', 'holidays', 'httpx', 'dsr_wire'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
