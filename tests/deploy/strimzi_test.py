"""Strimzi's resources say what the topic table and the registry say, are valid, and may be the release's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from dsr_cli.group.access_plan import intended
from dsr_core.registry import Registry
from dsr_wire.topics import all_topics
from support.helm import CI, Helm, Rendered
from support.sources import ROOT
from support.strimzi import COMMANDS, printed

SCHEMAS = json.loads((ROOT / "tests" / "deploy" / "schemas" / "custom.json").read_text())["kinds"]
WORDS = {"transactionalId": "transactional_id"}


WHERE = ("--cluster", "kafka", "--namespace", "kafka")
LABELS = {
    "app.kubernetes.io/name": "dsr",
    "app.kubernetes.io/instance": "dsr",
    "app.kubernetes.io/version": "0.1.0",
    "app.kubernetes.io/managed-by": "Helm",
    "app.kubernetes.io/part-of": "dsr",
    "helm.sh/chart": "dsr-0.1.0",
}
OURS = {
    "apiVersion": "kafka.strimzi.io/v1",
    "kind": "KafkaTopic",
    "metadata": {"name": "dsr.requests.v1", "labels": {"strimzi.io/cluster": "kafka"}},
    "spec": {"partitions": 6},
}


def listed(command: str, *where: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(printed(command, ROOT / "registry", *(where or WHERE))))


def strimzis(rendered: Rendered) -> list[dict[str, Any]]:
    return [one for one in rendered.objects if "strimzi" in one["apiVersion"]]


@pytest.mark.parametrize("command", ["topics", "acl"])
def test_every_resource_is_valid_by_the_true_schemas(command: str) -> None:
    found = listed(command)
    names = [one["metadata"]["name"] for one in found]
    assert len(names) == len(set(names)) > 10
    for one in found:
        schema = SCHEMAS[f"{one['apiVersion']}/{one['kind']}"]
        assert list(jsonschema_rs.validator_for(schema).iter_errors(one)) == []
        assert one["metadata"]["labels"] == {"strimzi.io/cluster": "kafka"}
        assert one["metadata"]["namespace"] == "kafka"


def test_every_declared_topic_is_there(registry: Registry) -> None:
    found = {one["spec"]["topicName"]: one["spec"] for one in listed("topics")}
    declared = {topic.name: topic for topic in all_topics(registry)}
    assert found.keys() == declared.keys()
    for name, topic in declared.items():
        assert found[name]["partitions"] == topic.partitions
        assert found[name]["config"]["cleanup.policy"] == topic.cleanup.value


def test_every_login_has_its_rights_and_nothing_beyond(registry: Registry) -> None:
    wanted = intended(registry)
    found = {one["metadata"]["name"]: one["spec"] for one in listed("acl")}
    assert found.keys() == wanted.users
    entries = {
        (
            user,
            WORDS.get(rule["resource"]["type"], rule["resource"]["type"]),
            rule["resource"].get("name", "kafka-cluster"),
            rule["resource"].get("patternType", "literal"),
            "".join(f"_{one}" if one.isupper() else one for one in operation).lower().strip("_"),
            rule["type"],
        )
        for user, spec in found.items()
        for rule in spec["authorization"]["acls"]
        for operation in rule["operations"]
    }
    assert entries == {
        (
            one.user, one.resource, one.name, one.pattern.replace("prefixed", "prefix"),
            one.operation, one.permission,
        )
        for one in wanted.entries
    }  # fmt: skip
    for user, quota in wanted.quotas.items():
        assert found[user]["quotas"]["producerByteRate"] == quota["producer_byte_rate"]


def test_a_release_has_none_of_them_unless_they_are_given(releases: dict[str, Rendered]) -> None:
    having = {name for name in CI if strimzis(releases[name])}
    assert having == {"production"}


@pytest.mark.parametrize("where", [WHERE, WHERE[:2]], ids=["a namespace", "the release's"])
def test_a_release_has_what_the_commands_print_and_leaves_it_behind(
    helm: Helm, tmp_path: Path, where: tuple[str, ...]
) -> None:
    files, expected = {}, []
    for value, command in COMMANDS.items():
        files[f"strimzi.{value}"] = tmp_path / f"{value}.yaml"
        files[f"strimzi.{value}"].write_text(printed(command, ROOT / "registry", *where))
        for one in listed(command, *where):
            one["metadata"].setdefault("namespace", "privacy")
            one["metadata"]["labels"] |= LABELS
            one["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
            expected.append(one)
    found = strimzis(helm.template("small", files=files))

    def as_text(those: list[dict[str, Any]]) -> list[str]:
        # A whole number that came out as a fraction is another text, though an equal number.
        return sorted(json.dumps(one, sort_keys=True) for one in those)

    assert as_text(found) == as_text(expected)
    for one in found:
        schema = SCHEMAS[f"{one['apiVersion']}/{one['kind']}"]
        assert list(jsonschema_rs.validator_for(schema).iter_errors(one)) == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"kind": "KafkaUser"},
            "KafkaUser dsr.requests.v1 of kafka.strimzi.io/v1 is no KafkaTopic",
        ),
        ({"apiVersion": "example.com/v1"}, "of example.com/v1 is no KafkaTopic"),
        ({"apiVersion": "v1", "kind": "Secret"}, "Secret dsr.requests.v1 of v1 is no KafkaTopic"),
        ({"metadata": None}, "has no name"),
        ({"metadata": {"name": "dsr.requests.v1"}}, "no label strimzi.io/cluster"),
    ],
)
def test_anything_else_is_refused_by_its_name(
    helm: Helm, changed: dict[str, Any], why: str
) -> None:
    given = yaml.safe_dump_all([OURS, {**OURS, **changed}])
    done = helm.templated("small", f"strimzi.topics={json.dumps(given)}")
    assert done.returncode != 0
    assert "strimzi.topics: " in done.stderr
    assert why in done.stderr


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("- a list", "is no object"),
        ("kind: [", "is no object"),
        (yaml.safe_dump_all([OURS, OURS]), "KafkaTopic dsr.requests.v1 of kafka.strimzi.io/v1 is there twice"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_objects_is_refused(helm: Helm, given: str, why: str) -> None:
    done = helm.templated("small", f"strimzi.topics={json.dumps(given)}")
    assert done.returncode != 0
    assert "strimzi.topics: " in done.stderr
    assert why in done.stderr
