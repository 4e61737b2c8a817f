"""The network: each arrow of docs/architecture.md, and no other."""

from __future__ import annotations

import re
from typing import Any

import pytest

from support.helm import Helm, Rendered

Arrow = tuple[str, str]

ARROWS: set[Arrow] = {
    # The doors between the services: docs/architecture.md, below the table.
    ("intake", "verifier"), ("fanout", "verifier"), ("fanout", "intake"),
    # Kafka: every service reads and writes topics.
    ("intake", "kafka"), ("fanout", "kafka"), ("verifier", "kafka"),
    # What each owns.
    ("intake", "postgresql"), ("verifier", "postgresql"), ("fanout", "temporal"),
    # Mail, the identity provider, key services, webhooks; who cosigns the log.
    ("intake", "outside"), ("verifier", "witnesses"),
    # Spans, where there is a collector.
    *((one, "collector") for one in ("intake", "fanout", "verifier")),
    # People and programs come to intake alone.
    ("callers", "intake"),
    # Operating it: metrics, migrations, what is published, `helm test`.
    *(("prometheus", one) for one in ("intake", "fanout", "verifier")),
    ("migrate", "postgresql"), ("publish", "kafka"), ("publish", "intake"),
    *(("test", one) for one in ("intake", "fanout", "verifier")),
}  # fmt: skip

PLACES = {
    "kafka": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kafka"}}},
    "postgresql": {"ipBlock": {"cidr": "10.20.0.0/16"}},
    "temporal": {"ipBlock": {"cidr": "10.30.0.0/16"}},
    "collector": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traces"}}},
    "callers": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}},
    "prometheus": {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    },
}
"""As ci/production.yaml says."""

ANYWHERE = {frozenset({443, 465, 587, 8200}): "outside", frozenset({443}): "witnesses"}
"""What may be anywhere is told by its ports."""


ADDRESS = re.compile(
    r"(?:(https?)://[a-z0-9.-]+|\b[a-z][a-z0-9.-]+(?=:\d))(?::(\d{2,5}))?(?=[/,\s]|$)"
)
PORTS = {"http": "80", "https": "443"}
UNCALLED = {"DSR_INTAKE_URL", "DSR_VERIFIER_URL", "DSR_PACKAGE_URL", "DSR_PUBLIC_URL"}
"""Pods of the release, which are let through by their labels; and what only letters to people name."""


def component(peer: dict[str, Any]) -> str:
    if "podSelector" in peer:
        labels = peer["podSelector"]["matchLabels"]
        assert labels["app.kubernetes.io/instance"] == "dsr"
        return str(labels["app.kubernetes.io/component"])
    (name,) = [name for name, place in PLACES.items() if place == peer]
    return name


def arrows(rendered: Rendered) -> tuple[set[Arrow], set[Arrow]]:
    """The arrows that are let in at their end, and those that are let out at their beginning."""
    entered: set[Arrow] = set()
    left: set[Arrow] = set()
    for one in rendered.of("NetworkPolicy").values():
        labels = one["spec"]["podSelector"]["matchLabels"]
        part = labels.get("app.kubernetes.io/component")
        assert one["spec"]["policyTypes"] == ["Ingress", "Egress"]
        for rule in one["spec"].get("ingress", []):
            met = {(component(peer), part) for peer in rule["from"]}
            (port,) = rule["ports"]
            assert port["port"] == "http" or met == {("prometheus", "fanout")}
            entered |= met
        for rule in one["spec"].get("egress", []):
            ports = frozenset(port["port"] for port in rule["ports"])
            if ports == {53}:
                continue
            peers = rule.get("to")
            left |= (
                {(part, component(peer)) for peer in peers} if peers else {(part, ANYWHERE[ports])}
            )
    return entered, left


def test_every_arrow_of_the_architecture_is_let_through_and_no_other(
    releases: dict[str, Rendered],
) -> None:
    pods = {"intake", "fanout", "verifier"}
    entered, left = arrows(releases["production"])
    assert entered == {one for one in ARROWS if one[1] in pods}
    assert left == {one for one in ARROWS if one[0] not in {"callers", "prometheus"}}


@pytest.mark.parametrize("values", ["small", "production"])
def test_every_address_in_the_settings_can_be_called(
    releases: dict[str, Rendered], values: str
) -> None:
    rendered = releases[values]
    called: set[str] = set()
    for service in ("intake", "fanout", "verifier"):
        egress = rendered.of("NetworkPolicy")[service]["spec"]["egress"]
        open_to = {str(port["port"]) for rule in egress for port in rule["ports"]}
        for name, value in rendered.of("ConfigMap")[service]["data"].items():
            if name in UNCALLED:
                continue
            for scheme, port in ADDRESS.findall(value):
                called.add(name)
                assert (port or PORTS[scheme]) in open_to, f"{service} {name}={value}"
    assert {"DSR_KAFKA_BOOTSTRAP", "DSR_TEMPORAL_ADDRESS"} <= called


def test_what_no_rule_names_is_denied_for_every_pod_of_the_release(
    releases: dict[str, Rendered],
) -> None:
    rendered = releases["production"]
    deny = rendered.of("NetworkPolicy")["default-deny"]["spec"]
    assert not {"ingress", "egress"} & deny.keys()
    wanted = deny["podSelector"]["matchLabels"].items()
    for one in rendered.objects:
        template = one["spec"].get("template") if one["kind"] in {"Deployment", "Job"} else None
        pod = template["metadata"] if template else one["metadata"]
        if template or one["kind"] == "Pod":
            assert wanted <= pod["labels"].items(), one["metadata"]["name"]
            assert pod["labels"]["app.kubernetes.io/component"] in rendered.of("NetworkPolicy")


def test_nobody_outside_comes_in_until_a_value_says_who(releases: dict[str, Rendered]) -> None:
    (rule,) = releases["small"].of("NetworkPolicy")["intake"]["spec"]["ingress"]
    assert {component(peer) for peer in rule["from"]} == {"fanout", "publish", "test", "prometheus"}


def test_names_are_looked_up_by_both_transports(releases: dict[str, Rendered]) -> None:
    for name, one in releases["small"].of("NetworkPolicy").items():
        if name != "default-deny":
            assert one["spec"]["egress"][0]["ports"] == [
                {"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"},
            ]  # fmt: skip


@pytest.mark.parametrize(("ports", "rules"), [("[]", 0), ("[443]", 1)])
def test_a_part_that_is_not_there_is_not_reached(helm: Helm, ports: str, rules: int) -> None:
    rendered = helm.template("small", f'networkPolicy.witnesses={{"ports":{ports},"to":[]}}')
    egress = rendered.of("NetworkPolicy")["verifier"]["spec"]["egress"]
    assert len(egress) == 3 + rules


def test_policies_can_be_left_out(releases: dict[str, Rendered]) -> None:
    assert releases["next"].of("NetworkPolicy") == {}
