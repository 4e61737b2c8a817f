"""Every metric is named once, shown by its service, bounded, and documented."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry

from dsr_core.metrics import Kind, Metric
from dsr_core.metrics.catalogue import CATALOGUE
from dsr_fanout.metrics import Metrics as FanoutMetrics
from dsr_intake.metrics import Metrics as IntakeMetrics
from dsr_verifier.metrics import Metrics as VerifierMetrics
from dsr_verifier.worker.metrics import LogMetrics
from support.sources import ROOT

ALL = [one for metrics in CATALOGUE.values() for one in metrics]
DOCUMENT = ROOT / "docs" / "metrics.md"


def shown_by(service: str) -> set[str]:
    registry = CollectorRegistry()
    match service:
        case "intake":
            IntakeMetrics(registry)
        case "fanout":
            FanoutMetrics(registry)
        case _:
            metrics = VerifierMetrics()
            LogMetrics(metrics.made)
            registry = metrics.registry
    return {one.name for one in registry.collect() if one.name.startswith("dsr_")}


@pytest.mark.parametrize("service", CATALOGUE)
def test_a_service_shows_what_the_catalogue_says_and_nothing_else(service: str) -> None:
    assert shown_by(service) == {one.name for one in CATALOGUE[service]}


@pytest.mark.parametrize("metric", ALL, ids=lambda one: one.name)
def test_a_metric_says_what_it_is_and_of_which_service(metric: Metric) -> None:
    [service] = [name for name, metrics in CATALOGUE.items() if metric in metrics]
    assert metric.name.startswith(f"dsr_{service}_")
    assert metric.meaning
    assert not metric.name.endswith("_total"), "Prometheus adds it"
    assert metric.unit or metric.name.endswith(("_seconds", "_bytes")), "a number of what?"
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    for label in metric.labels:
        assert label.meaning
        assert 0 < label.at_most <= 2000


def test_no_name_is_given_twice() -> None:
    assert len({one.name for one in ALL}) == len(ALL)


@pytest.mark.parametrize("metric", ALL, ids=lambda one: one.name)
def test_no_label_names_a_request_a_person_or_a_cohort(metric: Metric) -> None:
    forbidden = {"request_id", "cohort_id", "client_id", "person", "email", "identifier"}
    assert not forbidden & {label.name for label in metric.labels}


def test_the_document_is_fresh_and_names_every_metric() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "gen_metrics.py", "--check"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    text = DOCUMENT.read_text()
    assert [one.exposed for one in ALL if f"`{one.exposed}`" not in text] == []


def test_documents_name_no_metric_that_is_not_there() -> None:
    known = {sample for one in ALL for sample in (*one.samples, one.name)}
    named = re.compile(r"\bdsr_(?:intake|fanout|verifier)_[a-z_]+")
    logins = re.compile(r"^dsr_(?:intake|verifier)_(?:owner|[a-z])$")
    unknown = {
        f"{path.name}: {name}"
        for path in (ROOT / "docs").glob("*.md")
        for name in named.findall(path.read_text())
        if name not in known and not logins.match(name)
    }
    assert unknown == set()
