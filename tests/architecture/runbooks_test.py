"""Every alert has a severity, an owner and a runbook; every runbook an alert, and commands that exist."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from dsr_core.metrics.catalogue import CATALOGUE
from support.command_line import named_in
from support.sources import ROOT

RULES = yaml.safe_load((ROOT / "deploy" / "monitoring" / "prometheus-rules.yaml").read_text())
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]
}
FOLDER = ROOT / "docs" / "runbooks"
RUNBOOKS = sorted(path for path in FOLDER.glob("Dsr*.md"))
PARTS = ["What it means", "What to look at", "What to do", "It is over when"]
OWNERS = {"sre", "privacy-office", "security"}
SAMPLES = {sample for metrics in CATALOGUE.values() for one in metrics for sample in one.samples}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert [path.stem for path in RUNBOOKS] == sorted(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_urgent_it_is_whose_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["labels"]["owner"] in OWNERS
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_looks_at_metrics_that_there_are(name: str) -> None:
    text = re.sub(
        r'\{__name__=~"dsr_\(intake\|fanout\|verifier\)_(\w+)"\}',
        lambda found: " ".join(
            f"dsr_{service}_{found[1]}" for service in CATALOGUE
            if any(found[1] in one.exposed for one in CATALOGUE[service])
        ),
        ALERTS[name]["expr"],
    )  # fmt: skip
    named = set(re.findall(r"\b(?:dsr|temporal)_[a-z_]+", text))
    assert named
    assert {one for one in named if one.startswith("dsr_")} <= SAMPLES


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_has_its_parts_and_says_what_the_alert_says(path: Any) -> None:
    text = path.read_text()
    labels = ALERTS[path.stem]["labels"]
    assert text.startswith(
        f"# {path.stem}\n\nSeverity: {labels['severity']}. Owner: {labels['owner']}.\n"
    )
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == PARTS
    assert f"({path.name})" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_the_commands_of_a_runbook_exist(path: Any) -> None:
    commands = named_in(path.read_text(), are_whole=True)
    assert commands
    assert {call: fault for call, fault in commands.items() if fault} == {}
