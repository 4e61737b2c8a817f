"""Every pod: the restricted standard, probes on true routes, time enough to end, and room for others."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

from dsr_runtime import process
from dsr_runtime.health import Health
from dsr_runtime.http.app import new_app, starting_app
from support.helm import CHART, CI, Helm, Rendered

SERVICES = ("intake", "fanout", "verifier")
ROUTES = {
    route.path
    for route in new_app(
        title="E", description="E", health=Health(), metrics=CollectorRegistry()
    ).routes
    if isinstance(route, APIRoute)
}
STARTING = {
    route.path
    for route in starting_app(health=Health(), metrics=CollectorRegistry()).routes
    if isinstance(route, APIRoute)
}


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def deployed(rendered: Rendered, service: str) -> tuple[dict[str, Any], dict[str, Any]]:
    pod = rendered.of("Deployment")[service]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return pod, container


@pytest.mark.parametrize("values", CI)
def test_no_pod_is_given_variables_that_are_named_after_services(
    releases: dict[str, Rendered], values: str
) -> None:
    """They would look like settings, of a release that is called `dsr`, and stop the start."""
    for name, pod in releases[values].pods().items():
        assert pod["enableServiceLinks"] is False, name


@pytest.mark.parametrize("values", CI)
def test_every_pod_keeps_the_restricted_standard(
    releases: dict[str, Rendered], values: str
) -> None:
    """As the Pod Security Standards have it, and a root file system that nobody writes to."""
    pods = releases[values].pods()
    assert len(pods) >= 4
    for name, pod in pods.items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        for volume in pod.get("volumes", []):
            assert len(volume) == 2, name
            assert volume.keys() & {"configMap", "emptyDir", "projected", "secret", "image"}, name
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert "hostPort" not in str(container.get("ports")), name
            assert "command" not in container, name  # the image's own; no shell is needed


@pytest.mark.parametrize("values", CI)
def test_every_container_says_what_it_needs(releases: dict[str, Rendered], values: str) -> None:
    for name, pod in releases[values].pods().items():
        for container in containers(pod):
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), name
            assert "memory" in resources["limits"], name


@pytest.mark.parametrize("service", SERVICES)
def test_probes_ask_routes_that_are_there(releases: dict[str, Rendered], service: str) -> None:
    _, container = deployed(releases["small"], service)
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    told = releases["small"].environment(service)["DSR_HTTP_PORT"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["path"] in ROUTES, probe
        assert str(ports[asked["port"]]) == told
        assert set(ports.values()) == {
            int(one)
            for name, one in releases["small"].environment(service).items()
            if name in {"DSR_HTTP_PORT", "DSR_TEMPORAL_METRICS_PORT"}
        }
    assert container["startupProbe"]["httpGet"]["path"] in STARTING
    assert container["livenessProbe"]["httpGet"]["path"] in STARTING


@pytest.mark.parametrize("service", ["intake", "verifier"])
def test_who_is_called_is_routed_to_while_a_part_is_away(
    releases: dict[str, Rendered], service: str
) -> None:
    _, container = deployed(releases["small"], service)
    path = container["readinessProbe"]["httpGet"]["path"]
    assert path == "/servez"
    assert path not in STARTING


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("values", CI)
def test_a_pod_has_time_to_drain(releases: dict[str, Rendered], values: str, service: str) -> None:
    pod, container = deployed(releases[values], service)
    before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert before > 0 or service == "fanout"
    assert pod["terminationGracePeriodSeconds"] >= (
        before + process._DRAIN_TIMEOUT_S + process._CLOSE_TIMEOUT_S
    )


@pytest.mark.parametrize("values", CI)
def test_pods_are_spread_and_none_goes_before_its_successor(
    releases: dict[str, Rendered], values: str
) -> None:
    for service, one in releases[values].of("Deployment").items():
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        labels = one["spec"]["selector"]["matchLabels"]
        assert labels.items() <= one["spec"]["template"]["metadata"]["labels"].items()
        spread = one["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert {each["topologyKey"] for each in spread} == {
            "kubernetes.io/hostname", "topology.kubernetes.io/zone",
        }, service  # fmt: skip
        assert all(each["labelSelector"]["matchLabels"] == labels for each in spread)


@pytest.mark.parametrize("values", CI)
def test_selectors_find_the_pods_of_one_service_alone(
    releases: dict[str, Rendered], values: str
) -> None:
    pods = {
        name: one["spec"]["template"]["metadata"]["labels"]
        for name, one in releases[values].of("Deployment").items()
    }
    for kind, path in (("Service", "selector"), ("PodDisruptionBudget", "selector")):
        for name, one in releases[values].of(kind).items():
            selector = one["spec"][path]
            wanted = selector.get("matchLabels", selector)
            assert [who for who, has in pods.items() if wanted.items() <= has.items()] == [name]


@pytest.mark.parametrize("values", CI)
def test_no_pod_gets_a_token_of_the_cluster_unless_it_is_asked_for(
    releases: dict[str, Rendered], values: str
) -> None:
    given = yaml.safe_load((CHART / "ci" / f"{values}.yaml").read_text())
    for name, pod in releases[values].pods().items():
        service = name.split("-")[-1]
        asked = given.get(service, {}).get("serviceAccount", {}).get("automountToken", False)
        assert pod["automountServiceAccountToken"] is (asked and name.startswith("Deployment/"))


def test_images_are_named_by_registry_tag_and_digest(releases: dict[str, Rendered]) -> None:
    def image(values: str, service: str) -> str:
        return str(deployed(releases[values], service)[1]["image"])

    assert image("production", "fanout") == "registry.example.com/privacy/dsr-fanout:0.1.0"
    assert image("small", "verifier") == "dsr-verifier:0.1.0"
    assert image("next", "intake") == f"dsr-intake@sha256:{'0' * 64}"
    for pod in releases["production"].pods().values():
        assert pod["imagePullSecrets"] == [{"name": "registry"}]


def test_an_account_is_made_unless_one_is_named(helm: Helm, releases: dict[str, Rendered]) -> None:
    assert set(releases["small"].of("ServiceAccount")) == set(SERVICES)
    assert set(releases["next"].of("ServiceAccount")) == {"fanout", "verifier"}
    pod, _ = deployed(releases["next"], "intake")
    assert pod["serviceAccountName"] == "privacy-intake"
    annotated = helm.template("small", 'intake.serviceAccount.annotations={"a/b":"c"}')
    assert annotated.of("ServiceAccount")["intake"]["metadata"]["annotations"] == {"a/b": "c"}
