"""Strimzi's resources say what the topic table and the registry say, and are valid."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
import yaml
from typer.testing import CliRunner

from dsr_cli.group.access_plan import intended
from dsr_cli.main import new_app
from dsr_core.registry import Registry
from dsr_wire.topics import all_topics
from support.sources import ROOT

SCHEMAS = json.loads((ROOT / "tests" / "deploy" / "schemas" / "custom.json").read_text())["kinds"]
WORDS = {"transactionalId": "transactional_id"}


def printed(*call: str) -> list[dict[str, Any]]:
    arguments = [*call, str(ROOT / "registry"), "--cluster", "kafka", "--namespace", "kafka"]
    shown = CliRunner().invoke(new_app(arguments), arguments)
    assert shown.exit_code == 0, shown.output
    return list(yaml.safe_load_all(shown.output))


@pytest.mark.parametrize("command", ["topics", "acl"])
def test_every_resource_is_valid_by_the_true_schemas(command: str) -> None:
    found = printed(command, "strimzi")
    names = [one["metadata"]["name"] for one in found]
    assert len(names) == len(set(names)) > 10
    for one in found:
        schema = SCHEMAS[f"{one['apiVersion']}/{one['kind']}"]
        assert list(jsonschema_rs.validator_for(schema).iter_errors(one)) == []
        assert one["metadata"]["labels"] == {"strimzi.io/cluster": "kafka"}
        assert one["metadata"]["namespace"] == "kafka"


def test_every_declared_topic_is_there(registry: Registry) -> None:
    found = {one["spec"]["topicName"]: one["spec"] for one in printed("topics", "strimzi")}
    declared = {topic.name: topic for topic in all_topics(registry)}
    assert found.keys() == declared.keys()
    for name, topic in declared.items():
        assert found[name]["partitions"] == topic.partitions
        assert found[name]["config"]["cleanup.policy"] == topic.cleanup.value


def test_every_login_has_its_rights_and_nothing_beyond(registry: Registry) -> None:
    wanted = intended(registry)
    found = {one["metadata"]["name"]: one["spec"] for one in printed("acl", "strimzi")}
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
