"""Each alert fires when it should and is quiet when it should, by Prometheus' own reckoning."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsr_cli.stack.prometheus import RULES, Programs
from support.parts import ROOT

CASES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "alerts.yaml").read_text()
)
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((ROOT / RULES).read_text())["groups"]
    for rule in group["rules"]
}


def run(prometheus: Programs, *arguments: str | Path) -> str:
    done = subprocess.run(
        [prometheus.promtool, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def expected(name: str) -> dict[str, Any]:
    rule, case = ALERTS[name], CASES[name]
    return {
        "exp_labels": {**case["labels"], **rule["labels"]},
        "exp_annotations": {**rule["annotations"], "summary": case["summary"]},
    }


def test_the_rules_are_rules(prometheus: Programs) -> None:
    assert run(prometheus, "check", "rules", ROOT / RULES) == ""


def test_every_alert_has_its_case() -> None:
    assert sorted(CASES) == sorted(ALERTS)


@pytest.mark.parametrize("name", CASES)
def test_an_alert_is_quiet_and_then_fires(name: str, prometheus: Programs, tmp_path: Path) -> None:
    case = CASES[name]
    told = {"alertname": name}
    test = {
        "rule_files": [str(ROOT / RULES)],
        "evaluation_interval": case.get("interval", "1m"),
        "tests": [
            {
                "interval": case.get("interval", "1m"),
                "input_series": [
                    {"series": series, "values": values}
                    for series, values in case["series"].items()
                ],
                "alert_rule_test": [
                    {**told, "eval_time": case["quiet_at"], "exp_alerts": []},
                    {**told, "eval_time": case["fires_at"], "exp_alerts": [expected(name)]},
                ],
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    fault = run(prometheus, "test", "rules", file)
    assert not fault, fault
