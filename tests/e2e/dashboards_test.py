"""No panel is empty and no alert is mute by a misspelt name: a real Prometheus over the real services."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio import bridge

from dsr_cli.stack.prometheus import RULES
from dsr_core.metrics.catalogue import CATALOGUE
from support.loop import Loop
from support.parts import ROOT
from support.prometheus import Prometheus, watching
from support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

DASHBOARDS = sorted((ROOT / "deploy" / "monitoring" / "dashboards").glob("*.json"))
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / RULES).read_text())["groups"]
    for rule in group["rules"]
]
LABELS = {
    sample: {label.name for label in one.labels} | {"le", "instance", "job"}
    for metrics in CATALOGUE.values()
    for one in metrics
    for sample in one.samples
}
SELECTOR = re.compile(r"(?P<name>\bdsr_\w+|\btemporal_\w+|(?=\{__name__))(?P<labels>\{[^}]*\})?")
LABEL = re.compile(r'(\w+)(?:=~|!=|!~|=)"')
BY = re.compile(r"\b(?:by|on) \(([^)]+)\)")


@pytest.fixture(scope="module")
async def prometheus(loop: Loop) -> AsyncIterator[Prometheus]:
    """One that has seen requests go round, and sees another wait for a system that is away."""
    async with watching(loop) as one:
        await loop.answered(*[await loop.submit() for _ in range(3)])
        away = loop.system("billing")
        loop.stack.stop(away)
        waiting = await loop.submit()

        async def is_missed() -> bool:
            missed = await one.query('dsr_verifier_missing_obligations{system_id="billing"} > 0')
            return bool(missed) and bool(await one.query("dsr_intake_open_requests > 0"))

        try:
            # Services count what is open the more seldom, the longer that takes: `Prometheus.measured`.
            await eventually(is_missed, within=200, what="billing is shown as missing")
            yield one
        finally:
            loop.stack.start(away)
            await loop.answered(waiting)


def asked(expression: str) -> str:
    """Return a panel's query as Grafana sends it."""
    return expression.replace("$__rate_interval", "1m").replace("$organisation", "cloud-europe")


def panels() -> list[tuple[str, str, bool]]:
    """Each query with where it stands, and whether it may show nothing on a sound loop."""
    return [
        (
            f"{page['title']} / {panel['title']}",
            asked(target["expr"]),
            "noValue" in panel["fieldConfig"]["defaults"],
        )
        for page in (json.loads(path.read_text()) for path in DASHBOARDS)
        for panel in page["panels"]
        for target in panel["targets"]
    ]


async def test_no_panel_is_empty(prometheus: Prometheus) -> None:
    assert len(panels()) > 50
    left = {query: where for where, query, may_be_empty in panels() if not may_be_empty}

    async def all_show() -> bool:
        for query in list(left):
            if await prometheus.query(query):
                del left[query]
        return not left

    try:
        await eventually(all_show, within=60)
    finally:
        assert left == {}


async def test_what_may_be_empty_asks_for_what_the_services_can_show(
    prometheus: Prometheus,
) -> None:
    known = await prometheus.get("/metadata")
    for where, query, may_be_empty in panels():
        if may_be_empty:
            await prometheus.query(query)
            check_known(query, known, where)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda one: one["alert"])
async def test_an_alert_asks_for_what_the_services_can_show(
    rule: dict[str, Any], prometheus: Prometheus
) -> None:
    await prometheus.query(rule["expr"])
    check_known(rule["expr"], await prometheus.get("/metadata"), rule["alert"])


def check_known(expression: str, known: dict[str, Any], where: str) -> None:
    """Check that each metric is there, or declared by who has nothing to count yet; and its labels."""
    grouped = {name.strip() for found in BY.findall(expression) for name in found.split(",")}
    selectors = list(SELECTOR.finditer(expression))
    assert selectors, where
    for found in selectors:
        labels, name = found["labels"] or "", found["name"]
        if not name:
            pattern = re.compile(re.findall(r'__name__=~"([^"]+)"', labels)[0])
            names = [one for one in LABELS if pattern.fullmatch(one)]
        else:
            names = [name]
        assert names, where
        for one in names:
            family = re.sub(r"_(?:bucket|count|sum)$", "", one)
            shown = one in known or family in known or is_of_temporal(family)
            assert shown, f"{where}: nobody shows {one}"
            if one.startswith("dsr_"):
                used = {label for label in LABEL.findall(labels) if label != "__name__"} | grouped
                assert used <= LABELS[one], f"{where}: {one} has no {used - LABELS[one]}"


def is_of_temporal(family: str) -> bool:
    """Tell whether Temporal's SDK has a metric, though it has had no reason to show it yet."""
    if not family.startswith("temporal_"):
        return False
    name = re.sub(r"_(?:total|seconds)$", "", family.removeprefix("temporal_"))
    [library] = Path(bridge.__file__).parent.glob("temporal_sdk_bridge*.so")
    return name.encode() in library.read_bytes()


async def test_every_rule_is_evaluated_and_none_fails(prometheus: Prometheus) -> None:
    async def evaluated() -> dict[str, Any] | None:
        rules = {
            rule["name"]: rule
            for group in (await prometheus.get("/rules"))["groups"]
            for rule in group["rules"]
        }
        done = all(rule["health"] == "ok" for rule in rules.values())
        return rules if done and rules else None

    rules = await eventually(evaluated, within=30)
    assert sorted(rules) == sorted(rule["alert"] for rule in ALERTS)


async def test_every_service_and_temporal_are_scraped(prometheus: Prometheus) -> None:
    up = {one["metric"]["job"]: one["value"][1] for one in await prometheus.query("up")}
    jobs = ("intake", "fanout", "verifier", "fanout-temporal", "temporal")
    assert up == dict.fromkeys(jobs, "1")


async def test_no_label_has_more_values_than_was_said(prometheus: Prometheus) -> None:
    for metrics in CATALOGUE.values():
        for metric in metrics:
            for label in metric.labels:
                sample = next(iter(sorted(metric.samples)))
                found = await prometheus.query(f"count(count by ({label.name}) ({sample}))")
                count = int(found[0]["value"][1]) if found else 0
                assert count <= label.at_most + 1, (metric.name, label.name)
