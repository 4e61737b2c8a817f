"""The rules that ship with the project, and the commands that read them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from dsr_cli.commands.rules import app
from dsr_cli.rules import load_rules
from dsr_core.law.calendars import Unit
from dsr_core.law.rules import RESPOND_BY, Regime, Rules, TierAction
from dsr_core.rights import Right
from support.sources import ROOT

FOLDER = ROOT / "rules"
REGIMES = [
    "ccpa", "default", "gdpr", "korea_pipa", "lgpd", "quebec_law25", "uk_gdpr", "vcdpa",
]  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(FOLDER)


def test_there_is_a_regime_for_each_law_and_one_for_everywhere_else(rules: Rules) -> None:
    assert [one.name for one in rules.regimes] == REGIMES


def test_the_canonical_form_reads_back(rules: Rules) -> None:
    assert Rules.from_canonical(rules.canonical()) == rules


@pytest.mark.parametrize("name", REGIMES)
def test_every_rule_has_its_provision_its_version_and_its_first_day(
    rules: Rules, name: str
) -> None:
    regime = rules.regime(name)
    assert regime is not None
    assert regime.citation
    assert ZoneInfo(regime.zone)
    for rule in regime.rules:
        assert any(letter.isdigit() for letter in rule.citation) or "policy" in rule.citation
        assert rule.term.unit is not Unit.SECONDS
        assert rule.extension is None or rule.name == RESPOND_BY


UNKNOWN = {("ccpa", Right.OBJECTION), ("korea_pipa", Right.PORTABILITY)}
"""Rights without a date of a regime's own: the default's holds, and the request says so."""


@pytest.mark.parametrize("name", REGIMES)
@pytest.mark.parametrize("right", Right)
def test_every_right_has_a_date_to_answer_by(rules: Rules, name: str, right: Right) -> None:
    regime = rules.regime(name)
    assert regime is not None
    has_date = any(rule.name == RESPOND_BY and right in rule.rights for rule in regime.rules)
    assert has_date is ((name, right) not in UNKNOWN)


@pytest.mark.parametrize("name", REGIMES)
def test_the_privacy_office_hears_of_a_request_before_its_date_is_broken(
    rules: Rules, name: str
) -> None:
    regime = rules.regime(name)
    assert regime is not None
    assert [one.action for one in regime.tiers] == [
        TierAction.REMIND_SYSTEMS,
        TierAction.ESCALATE_TO_ORGANISATION,
        TierAction.ESCALATE_TO_PRIVACY_OFFICE,
        TierAction.RECORD_BREACH,
    ]
    assert regime.tiers[-1].percent == 100


@pytest.mark.parametrize("name", REGIMES)
def test_a_newer_version_is_in_force_later(rules: Rules, name: str) -> None:
    regime = rules.regime(name)
    assert regime is not None
    for older, newer in zip(regime.rules, regime.rules[1:], strict=False):
        if older.name == newer.name and set(older.rights) & set(newer.rights):
            assert older.in_force_from < newer.in_force_from


@pytest.mark.parametrize("name", REGIMES)
def test_every_entry_has_a_provision_a_version_and_a_day(rules: Rules, name: str) -> None:
    regime = rules.regime(name)
    assert regime is not None
    for one in (*regime.rules, *regime.tiers, *regime.assurance, *regime.authority):
        assert one.citation
        assert one.version >= 1
        assert one.in_force_from is not None


def test_the_regulation_applies_in_the_thirty_states_and_their_parts_with_codes_of_their_own(
    rules: Rules,
) -> None:
    regime = rules.regime("gdpr")
    assert regime is not None
    assert len(regime.jurisdictions) == 30 + 7
    assert {"NO", "IS", "LI", "RE", "AX"} < set(regime.jurisdictions)
    assert not {"GB", "CH", "UK", "EL"} & set(regime.jurisdictions)


@pytest.mark.parametrize(
    ("regime", "jurisdictions"),
    [
        ("uk_gdpr", ("GB",)),
        ("ccpa", ("US-CA",)),
        ("vcdpa", ("US-VA",)),
        ("lgpd", ("BR",)),
        ("quebec_law25", ("CA-QC",)),
        ("korea_pipa", ("KR",)),
        ("default", ()),
    ],
)
def test_each_law_applies_where_it_was_made(
    rules: Rules, regime: str, jurisdictions: tuple[str, ...]
) -> None:
    found = rules.regime(regime)
    assert isinstance(found, Regime)
    assert found.jurisdictions == jurisdictions


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout


def test_check_says_that_there_are_no_faults() -> None:
    code, out = run("check", str(FOLDER))
    assert code == 0
    assert f"{FOLDER}: no faults" in out.splitlines()
    code, out = run("check", str(FOLDER), "--json")
    assert code == 0
    counted = json.loads(out)
    assert sorted(counted) == ["digest", "jurisdictions", "regimes", "rules"]
    assert (counted["regimes"], counted["jurisdictions"]) == (8, 43)


def test_check_prints_each_fault_on_a_line_and_leaves_with_1(
    tmp_path: Path, good: str, default: str
) -> None:
    (tmp_path / "a.yaml").write_text(good.replace("zone: Europe/Berlin", "zonne: Europe/Berlin"))
    (tmp_path / "b.yaml").write_text(default)
    code, out = run("check", str(tmp_path))
    assert code == 1
    assert out.splitlines() == [
        f"{tmp_path}/a.yaml:1: file: missing key 'zone'; add it, like 'zone: Europe/Berlin'",
        f"{tmp_path}/a.yaml:4: unknown key 'zonne'; did you mean 'zone'?",
    ]
    code, out = run("check", str(tmp_path), "--json")
    assert code == 1
    assert [one["line"] for one in json.loads(out)["faults"]] == [1, 4]
    assert json.loads(out)["faults"][1]["suggestion"] == "did you mean 'zone'?"


def test_show_lists_every_regime_and_provision(rules: Rules) -> None:
    code, out = run("show", str(FOLDER))
    assert code == 0
    for regime in rules.regimes:
        assert regime.title in " ".join(out.split())
        assert {rule.name for rule in regime.rules} <= set(out.split())
    code, out = run("show", str(FOLDER), "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["digest"] == rules.digest
    assert [one["name"] for one in shown["regimes"]] == REGIMES


def test_show_leaves_with_1_where_there_is_a_fault(tmp_path: Path) -> None:
    assert run("show", str(tmp_path))[0] == 1
    assert run("show", str(tmp_path / "none"), "--json")[0] == 1


def test_show_prints_square_brackets_as_they_stand(tmp_path: Path, good: str, default: str) -> None:
    """As lawyers cite; they are also how the terminal's library is told of colours."""
    cited = good.replace("citation: GDPR art. 12(3)\n", "citation: 'Act [as amended] [/] 12'\n")
    title = "General Data Protection Regulation"
    (tmp_path / "a.yaml").write_text(cited.replace(title, f"'[sic] {title}'"))
    (tmp_path / "b.yaml").write_text(default)
    code, out = run("show", str(tmp_path))
    assert code == 0
    text = " ".join(out.split())
    assert "[sic] General Data Protection Regulation" in text
    assert "[as" in text
    assert "[/]" in text


def test_the_command_does_not_pay_for_what_it_does_not_use() -> None:
    code = (
        "import sys, dsr_cli.commands.rules; "
        "sys.exit(bool({'yaml', 'holidays', 'fideslang'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
