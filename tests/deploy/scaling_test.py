"""Scaling, evictions, secrets and alerts: who decides how many pods there are, and who may take one away."""

from __future__ import annotations

from typing import Any

from dsr_core.registry import Registry
from dsr_fanout.streams.commands import COMMANDS_GROUP
from dsr_fanout.streams.lifecycle import LIFECYCLE_GROUP
from dsr_fanout.streams.phases import PHASES_GROUP
from dsr_fanout.streams.requests import REQUESTS_GROUP
from dsr_verifier.settings import VerifierSettings
from dsr_wire.topics import AUDIT, all_topics
from support.helm import CHART, Helm, Rendered

GROUPS = {
    "fanout": {REQUESTS_GROUP, COMMANDS_GROUP, LIFECYCLE_GROUP, PHASES_GROUP},
    "verifier": {VerifierSettings.model_fields["verifier_group_id"].default},
}


def test_nothing_scales_where_pods_are_counted_by_hand(releases: dict[str, Rendered]) -> None:
    rendered = releases["small"]
    assert rendered.of("HorizontalPodAutoscaler") == rendered.of("ScaledObject") == {}
    assert {one["spec"]["replicas"] for one in rendered.of("Deployment").values()} == {1}


def test_each_service_is_scaled_by_one_thing(releases: dict[str, Rendered]) -> None:
    """A count in the Deployment would undo, at each upgrade, what the scaler has found."""
    for values, (by_cpu, by_lag) in {
        "production": ({"intake"}, {"fanout", "verifier"}),
        "next": ({"intake", "fanout"}, set[str]()),
    }.items():
        rendered = releases[values]
        assert set(rendered.of("HorizontalPodAutoscaler")) == by_cpu
        assert set(rendered.of("ScaledObject")) == by_lag
        counted = {
            name for name, one in rendered.of("Deployment").items() if "replicas" in one["spec"]
        }
        assert counted == {"intake", "fanout", "verifier"} - by_cpu - by_lag


def test_scalers_name_their_deployment_and_bounds(releases: dict[str, Rendered]) -> None:
    rendered = releases["production"]
    intake = rendered.of("HorizontalPodAutoscaler")["intake"]["spec"]
    assert (intake["minReplicas"], intake["maxReplicas"]) == (3, 12)
    assert intake["scaleTargetRef"]["name"] == "dsr-intake"
    for service, one in rendered.of("ScaledObject").items():
        assert one["spec"]["scaleTargetRef"] == {"name": f"dsr-{service}"}
        assert one["spec"]["minReplicaCount"] <= one["spec"]["maxReplicaCount"]


def test_lag_is_that_of_every_topic_that_the_service_consumes(
    releases: dict[str, Rendered], registry: Registry
) -> None:
    for service, one in releases["production"].of("ScaledObject").items():
        told = {
            (each["metadata"]["topic"], each["metadata"]["consumerGroup"])
            for each in one["spec"]["triggers"]
        }
        consumed = {
            topic.name
            for topic in all_topics(registry)
            if service in topic.consumers and topic.partitions > 1
        }
        assert {topic for topic, _ in told} == consumed, service
        assert {group for _, group in told} == GROUPS[service]
    assert AUDIT.partitions == 1  # no further pod would help there


def test_keda_logs_in_as_the_service_does(releases: dict[str, Rendered]) -> None:
    rendered = releases["production"]
    for service, one in rendered.of("ScaledObject").items():
        for trigger in one["spec"]["triggers"]:
            assert trigger["authenticationRef"]["name"] == f"dsr-{service}"
            assert trigger["metadata"]["sasl"] == "scram_sha512"
            assert trigger["metadata"]["tls"] == "enable"
        spec = rendered.of("TriggerAuthentication")[service]["spec"]
        environment = rendered.environment(service)
        assert {each["name"] for each in spec["env"]} <= environment.keys()
        assert spec["secretTargetRef"] == [
            {"parameter": "ca", "name": "dsr-kafka-ca", "key": "ca.crt"}
        ]


def test_evictions_leave_all_but_one_where_there_are_two(
    helm: Helm, releases: dict[str, Rendered]
) -> None:
    assert releases["small"].of("PodDisruptionBudget") == {}  # it would hold up a node for ever
    assert set(releases["production"].of("PodDisruptionBudget")) == {"intake", "fanout", "verifier"}
    assert set(releases["next"].of("PodDisruptionBudget")) == {"verifier"}
    for one in releases["production"].of("PodDisruptionBudget").values():
        assert one["spec"]["maxUnavailable"] == 1
        assert one["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    scaled = helm.template("small", 'intake.autoscaling={"enabled":true,"minReplicas":2}')
    assert set(scaled.of("PodDisruptionBudget")) == {"intake"}


def keys(rendered: Rendered) -> dict[str, set[str]]:
    return {
        one["spec"]["target"]["name"]: {each["secretKey"] for each in one["spec"]["data"]}
        for one in rendered.objects
        if one["kind"] == "ExternalSecret"
    }


def used(pod: dict[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for container in (*pod.get("initContainers", []), *pod["containers"]):
        for one in container.get("env", []):
            if reference := one.get("valueFrom", {}).get("secretKeyRef"):
                found.add((reference["name"], reference["key"]))
    for volume in pod.get("volumes", []):
        for source in volume.get("projected", {}).get("sources", []):
            found |= {(source["secret"]["name"], one["key"]) for one in source["secret"]["items"]}
    return found


def test_every_secret_that_a_pod_uses_is_fetched_and_no_other(
    releases: dict[str, Rendered],
) -> None:
    fetched = keys(releases["production"])
    wanted = {pair for pod in releases["production"].pods().values() for pair in used(pod)}
    assert {(name, key) for name, found in fetched.items() for key in found} == wanted
    assert keys(releases["small"]) == {}


def test_what_migrations_need_is_there_before_them_and_gone_after(
    releases: dict[str, Rendered],
) -> None:
    rendered = releases["production"]
    passing = {
        one["metadata"]["name"]: one["metadata"]["annotations"]
        for one in rendered.objects
        if one["kind"] == "ExternalSecret" and "annotations" in one["metadata"]
    }
    of_migrations = {
        name for pod, spec in rendered.pods().items() if "migrate" in pod for name, _ in used(spec)
    }
    assert set(passing) == of_migrations
    weights = {name: int(one["helm.sh/hook-weight"]) for name, one in passing.items()}
    migration = rendered.of("Job")["migrate-intake"]["metadata"]["annotations"]
    assert max(weights.values()) < int(migration["helm.sh/hook-weight"])
    assert all("hook-succeeded" in one["helm.sh/hook-delete-policy"] for one in passing.values())


def test_a_secret_cannot_be_a_service_s_and_a_migration_s(helm: Helm) -> None:
    done = helm.templated(
        "production",
        'migrations.secrets.intake.postgres_dsn={"name":"dsr-intake","key":"postgres_dsn"}',
    )
    assert done.returncode != 0
    assert "the Secret dsr-intake is of a service and of migrations" in done.stderr


def test_metrics_of_every_service_are_read(releases: dict[str, Rendered]) -> None:
    (monitor,) = [one for one in releases["production"].objects if one["kind"] == "ServiceMonitor"]
    read = {one["port"] for one in monitor["spec"]["endpoints"]}
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    for one in releases["production"].of("Service").values():
        assert wanted <= one["metadata"]["labels"].items()
        assert read >= {port["name"] for port in one["spec"]["ports"]}
    assert read == {"http", "temporal"}
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_every_alert_file_and_dashboard_is_installed(releases: dict[str, Rendered]) -> None:
    rendered = releases["production"]
    rules = list((CHART / "files").glob("*rules*.yaml"))
    dashboards = list((CHART / "files" / "dashboards").glob("*.json"))
    installed_rules = [one for one in rendered.objects if one["kind"] == "PrometheusRule"]
    assert len(installed_rules) == len(rules)
    installed = [name for name in rendered.of("ConfigMap") if name.startswith("dashboard-")]
    assert len(installed) == len(dashboards)


def test_alerts_lead_to_their_runbooks_where_the_repository_is_shown(
    releases: dict[str, Rendered],
) -> None:
    shown = {
        rule["annotations"]["runbook_url"]
        for one in releases["production"].objects
        if one["kind"] == "PrometheusRule"
        for group in one["spec"]["groups"]
        for rule in group["rules"]
    }
    runbooks = (CHART.parents[2] / "docs" / "runbooks").glob("Dsr*.md")
    assert shown == {f"https://code.example.com/dsr/docs/runbooks/{one.name}" for one in runbooks}
