"""The chart as a whole: linted, fresh, described, and valid where Kubernetes would look."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml

from support.helm import CHART, CI, Helm, Rendered
from support.sources import ROOT

SCHEMAS = ROOT / "tests" / "deploy" / "schemas"
PINS = tomllib.loads((ROOT / "tools" / "schemas.toml").read_text())
VERSIONS = PINS["kubernetes"]["versions"]
NEWER = ("next", VERSIONS[0], "Job")
"""Volumes from an image, which is a choice, came with Kubernetes 1.31."""


def validators(version: str) -> dict[str, jsonschema_rs.Validator]:
    found = {}
    for file in (f"kubernetes-{version}", "custom"):
        known = json.loads((SCHEMAS / f"{file}.json").read_text())
        for kind, schema in known["kinds"].items():
            found[kind] = jsonschema_rs.validator_for({**schema, "$defs": known["$defs"]})
    return found


def faults(
    one: dict[str, Any], known: dict[str, jsonschema_rs.Validator], place: str = ""
) -> list[str]:
    title = f"{one['apiVersion']}/{one['kind']}"
    return [
        f"{place}{title} {one['metadata']['name']}: {fault.instance_path}: {fault.message}"
        for fault in known[title].iter_errors(one)
    ]


@pytest.mark.parametrize("values", CI)
def test_the_chart_is_linted_without_a_warning(helm: Helm, values: str) -> None:
    done = helm.lint(values)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", CI)
def test_every_object_is_valid_by_the_true_schemas(
    releases: dict[str, Rendered], values: str, version: str
) -> None:
    known = validators(version)
    assert [
        fault
        for one in releases[values].objects
        if (values, version, one["kind"]) != NEWER
        for fault in faults(one, known)
    ] == []


def test_the_schemas_refuse_what_is_wrong(releases: dict[str, Rendered]) -> None:
    for version in VERSIONS:
        known = validators(version)
        for one in releases["production"].objects:
            assert known[f"{one['apiVersion']}/{one['kind']}"].is_valid(one)
            assert not known[f"{one['apiVersion']}/{one['kind']}"].is_valid({**one, "spek": {}})
        deployment = releases["production"].of("Deployment")["intake"]
        text = json.dumps(deployment)
        for right, wrong in {
            '"runAsNonRoot"': '"runAsNotRoot"', '"httpGet"': '"httpget"',
            '"containerPort": 8080': '"containerPort": "http"', '"topologyKey"': '"topology"',
        }.items():  # fmt: skip
            assert right in text
            assert not known["apps/v1/Deployment"].is_valid(json.loads(text.replace(right, wrong)))


def test_every_kind_of_object_is_rendered_by_some_values(releases: dict[str, Rendered]) -> None:
    rendered = {
        f"{one['apiVersion']}/{one['kind']}" for found in releases.values() for one in found.objects
    }
    known = set(validators(VERSIONS[-1]))
    files = CHART / "files"
    ungiven = {"monitoring.coreos.com/v1/PrometheusRule"} if not files.exists() else set()
    assert rendered == known - ungiven


def test_what_is_generated_is_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "gen_chart.py", "--check"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def leaves(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in schema["properties"].items():
        if "description" in one:
            yield f"{path}{name}", one
        else:
            yield from leaves(one, f"{path}{name}.")


def test_every_value_has_a_description_and_a_default() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    described = dict(leaves(schema))
    assert len(described) > 200
    assert [path for path, one in described.items() if len(one["description"]) < 5] == []
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for path in described:
        if path != "global":
            place = values
            for name in path.split("."):
                place = place[name]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("intake.settings.intake_waiting_limt=5", "intake_waiting_limt"),
        ("intake.settings.intake_waiting_limit=0", "intake_waiting_limit"),
        ('intake.settings.verifier_url="http://x"', "verifier_url"),
        ("verifier.settings.log_origin=null", "log_origin"),
        ("settings.kafka_bootstrap=null", "kafka_bootstrap"),
        ("intake.secrets.lookup_key_file=null", "lookup_key_file"),
        ('intake.secrets.postgres_dsn="postgresql://a:b@c/d"', "postgres_dsn"),
        ("fanout.secrets.postgres_dsn=null", "postgres_dsn"),
        ("networkPolicy.kafka.prots=[1]", "prots"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(helm: Helm, wrong: str, named: str) -> None:
    done = helm.templated("small", wrong)
    assert done.returncode != 0
    assert named in done.stderr


def test_the_oldest_kubernetes_is_the_one_that_is_checked_against() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    oldest = re.match(r"v(\d+\.\d+)\.", VERSIONS[0])
    assert oldest is not None
    assert chart["kubeVersion"] == f">={oldest[1]}.0-0"
