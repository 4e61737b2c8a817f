"""A burn of an error budget is told while it goes on and matters: each of a rule's two windows is needed.

The long one keeps a short burst from waking anybody, the short one ends the alert soon after the burn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from monitoring.alerts_test import ALERTS, run

from dsr_cli.stack.prometheus import Programs

PROMISES = (
    'dsr_intake_answered_total{promise="kept"}',
    'dsr_intake_answered_total{promise="broken"}',
)
ACCEPTANCE = (
    'dsr_intake_accepted_total{call="single"}',
    'dsr_intake_refused_total{call="single",reason="overloaded"}',
)


class Course(NamedTuple):
    """How good and bad go on, an interval each, and when that is looked at."""

    interval: str
    good: str
    bad: str
    at: str


COURSES = {
    "Fast": {
        "ended": Course("1m", "0+95x70", "0+5x50 250x20", "61m"),
        "burst": Course("1m", "0+95x120", "0+0x116 5 10 15 20", "120m"),
    },
    "Slow": {
        "ended": Course("30m", "0+995x144", "0+5x120 600x24", "67h"),
        "burst": Course("30m", "0+995x288", "0+0x286 20 40", "144h"),
    },
}
SERIES = {"DsrPromisesBurn": PROMISES, "DsrAcceptanceBurn": ACCEPTANCE}
FIRES_ALONE = {"ended": "long", "burst": "short"}


@pytest.mark.parametrize("course", FIRES_ALONE)
@pytest.mark.parametrize("speed", COURSES)
@pytest.mark.parametrize("alert", SERIES)
def test_one_window_alone_would_tell_what_both_do_not(
    prometheus: Programs, tmp_path: Path, alert: str, speed: str, course: str
) -> None:
    both = ALERTS[alert + speed]["expr"]
    long, short = both.split(" and ")
    rules = [
        {"alert": name, "expr": expr}
        for name, expr in (("both", both), ("long", long), ("short", short))
    ]
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "halves", "rules": rules}]})
    )
    found = COURSES[speed][course]
    good, bad = SERIES[alert]
    test: dict[str, Any] = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": found.interval,
        "tests": [
            {
                "interval": found.interval,
                "input_series": [
                    {"series": good, "values": found.good},
                    {"series": bad, "values": found.bad},
                ],
                "alert_rule_test": [
                    {
                        "alertname": name,
                        "eval_time": found.at,
                        "exp_alerts": [{}] if FIRES_ALONE[course] == name else [],
                    }
                    for name in ("both", "long", "short")
                ],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    assert run(prometheus, "test", "rules", tmp_path / "test.yaml") == ""
