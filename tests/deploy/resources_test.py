"""What pods ask for is what docs/scaling.md says was measured, and no other figure."""

from __future__ import annotations

import re

import pytest
import yaml

from support.helm import CHART
from support.sources import ROOT

SERVICES = ("intake", "fanout", "verifier")
MIB = 1024 * 1024 / 1_000_000
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
DOCS = ROOT / "docs"
SCALING = (DOCS / "scaling.md").read_text()


def table_row(heading: str, first: str) -> list[str]:
    """The cells of a row after the first, in the section of docs/scaling.md with this heading."""
    section = SCALING.split(f"## {heading}\n")[1].split("\n## ")[0]
    [line] = [one for one in section.splitlines() if one.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("| ").split("|")[1:]]


def mb(quantity: str) -> float:
    return int(quantity.removesuffix("Mi")) * MIB


@pytest.mark.parametrize("service", SERVICES)
def test_the_defaults_are_those_of_the_documentation(service: str) -> None:
    *_, cpu, memory, limit = table_row("What a pod asks for", service)
    resources = VALUES[service]["resources"]
    assert resources["requests"] == {"cpu": cpu, "memory": memory}
    assert resources["limits"] == {"memory": limit}


@pytest.mark.parametrize("service", SERVICES)
def test_memory_holds_what_was_measured(service: str) -> None:
    _idle, usual, most, *_ = table_row("What a pod asks for", service)
    resources = VALUES[service]["resources"]
    assert mb(resources["requests"]["memory"]) > int(usual)
    peak, *_ = re.findall(r"\d+", most)
    assert mb(resources["limits"]["memory"]) > 1.25 * int(peak)


@pytest.mark.parametrize(
    ("pod", "given"),
    [
        ("migration of intake", VALUES["migrations"]["resources"]),
        ("migration of the verifier", VALUES["migrations"]["resources"]),
        ("`dsr registry publish`", VALUES["cli"]["resources"]),
    ],
)
def test_what_runs_for_seconds_asks_for_what_it_was_measured_to_take(
    pod: str, given: dict[str, dict[str, str]]
) -> None:
    most, _, cpu, memory, limit = table_row("What a pod asks for", pod)
    assert given == {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}
    assert mb(memory) > 1.15 * int(most)
    assert mb(limit) > 1.5 * int(most)


@pytest.mark.parametrize("service", SERVICES)
def test_the_most_of_any_run_is_the_highest_curve_that_was_drawn(service: str) -> None:
    drawn = "".join(one.read_text() for one in sorted(DOCS.glob("*-memory.svg")))
    peaks = re.findall(rf">{service}: (\d+) MB at most<", drawn)
    _idle, _usual, most, *_ = table_row("What a pod asks for", service)
    assert int(re.findall(r"\d+", most)[0]) == max(int(one) for one in peaks)


def test_one_pod_of_each_holds_the_same_pace_before_another_is_added() -> None:
    """No service is the one that always scales first."""
    costs = table_row("What one request costs", "by itself (`loop`)")[: len(SERVICES)]
    paces = []
    for service, cost in zip(SERVICES, costs, strict=True):
        asked = int(VALUES[service]["resources"]["requests"]["cpu"].removesuffix("m"))
        target = VALUES[service]["autoscaling"]["targetCPUUtilizationPercentage"]
        paces.append(asked * target / 100 / float(cost))
    assert min(paces) >= 25
    assert max(paces) < 1.25 * min(paces)
