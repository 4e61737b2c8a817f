"""The chart on a true cluster, in the order of its life: installed, used, disturbed, changed, taken away."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from support.cluster import RELEASE, SYSTEMS, Cluster, values_of_tests
from support.cluster_load import Loaded
from support.cluster_metrics import metrics
from support.cluster_objects import installed, of_the_release, strimzi
from support.cluster_registry import publish, registry_of, rules
from support.helm import CHART
from support.strimzi import COMMANDS, printed
from support.waiting import eventually

SERVICES = ("intake", "fanout", "verifier")
ROOT_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "root"},
    "spec": {
        "containers": [{"name": "root", "image": "none", "securityContext": {"runAsUser": 0}}]
    },
}


def test_every_pod_is_ready_in_a_namespace_that_refuses_what_is_not_restricted(
    cluster: Cluster,
) -> None:
    for service in SERVICES:
        assert len(cluster.pods(service)) == 2
    refused = cluster.tried("apply", "--filename", "-", given=json.dumps(ROOT_POD))
    assert refused.returncode != 0
    assert 'violates PodSecurity "restricted' in refused.stderr


async def test_requests_through_the_service_go_round_and_close(
    loaded: Loaded,
) -> None:
    async with loaded.load() as seen:
        pass
    assert len(seen.ids) >= 20
    assert seen.refused == []


def test_helm_test_submits_a_request_and_withdraws_it(cluster: Cluster) -> None:
    said = cluster.helm("test", RELEASE, "--logs", "--timeout", "2m")
    assert "accepted, withdrawn and answered" in said


@pytest.mark.parametrize("service", SERVICES)
async def test_a_pod_that_is_deleted_at_once_loses_nothing(
    cluster: Cluster, loaded: Loaded, service: str
) -> None:
    async with loaded.load():
        gone = cluster.pods(service)[0]
        cluster.kubectl("delete", "pod", gone, "--grace-period=0", "--force")
        cluster.settled(f"{RELEASE}-{service}")
        assert gone not in cluster.pods(service)


@pytest.mark.parametrize("service", SERVICES)
async def test_evictions_take_one_pod_at_a_time(
    cluster: Cluster, loaded: Loaded, service: str
) -> None:
    async with loaded.load() as seen:
        first, second = cluster.pods(service)
        assert cluster.evicted(first) == "evicted"
        assert "disruption budget" in cluster.evicted(second)
        cluster.settled(f"{RELEASE}-{service}")
        await eventually(lambda: cluster.evicted(second) == "evicted", within=60)
        cluster.settled(f"{RELEASE}-{service}")
    assert seen.refused == []


async def test_an_upgrade_and_its_rollback_under_load_refuse_nobody(
    cluster: Cluster, loaded: Loaded
) -> None:
    first = pods_of_all(cluster)
    assert levels(cluster, first) == {"info"}
    async with loaded.load() as seen:
        cluster.install('settings.log_level="debug"')
        upgraded = pods_of_all(cluster)
        assert levels(cluster, upgraded) == {"debug"}
        assert not replica_sets(first) & replica_sets(upgraded)
        cluster.helm("rollback", RELEASE, "--wait", "--timeout", "4m")
        back = pods_of_all(cluster)
        assert levels(cluster, back) == {"info"}
        assert replica_sets(back) == replica_sets(first)
        assert not back & first
    assert seen.refused == []


def pods_of_all(cluster: Cluster) -> set[str]:
    """Return the pods that are to stay, of each service as many as are wanted."""
    for service in SERVICES:
        cluster.settled(f"{RELEASE}-{service}")
        assert len(cluster.pods(service)) == 2
    return {pod for service in SERVICES for pod in cluster.pods(service)}


def replica_sets(pods: set[str]) -> set[str]:
    """Return what pods are of: the same for the same template, and no other's."""
    return {pod.rpartition("-")[0] for pod in pods}


def levels(cluster: Cluster, pods: set[str]) -> set[str]:
    """Return from which level on pods log."""
    program = "import os; print(os.environ['DSR_LOG_LEVEL'])"
    return {cluster.program(pod, "-c", program).strip() for pod in pods}


async def test_a_registry_of_the_release_is_in_force_after_its_upgrade(
    cluster: Cluster, loaded: Loaded, tmp_path: Path
) -> None:
    # Each is without a system of the one before: one that joins is asked about what is open already.
    fewer, fewest = SYSTEMS.keys() - {"newsletter"}, {"identity-checks"}
    of_values, of_volume = tmp_path / "values", tmp_path / "volume"
    first, second = registry_of(fewer, of_values), registry_of(fewest, of_volume)
    loaded.asked |= {first: fewer, second: fewest}
    async with loaded.load() as seen:
        publish(
            cluster,
            registry={one.name: one.read_text() for one in of_values.iterdir()},
            rules={one.name: one.read_text() for one in rules()},
        )
        await loaded.planned_by(seen, first)
        # A volume of ConfigMaps that are none of the release's, with the two folders.
        cluster.config_map("published", of_volume)
        sources = [
            {"configMap": {"name": name, "items": items(folder, those)}}
            for name, folder, those in [
                ("published", "registry", of_volume.iterdir()), ("rules", "rules", rules()),
            ]
        ]  # fmt: skip
        publish(cluster, volume={"projected": {"sources": sources}})
        await loaded.planned_by(seen, second)
    assert seen.refused == []


def items(folder: str, files: Iterable[Path]) -> list[dict[str, str]]:
    """Return where each key of a ConfigMap is in a volume."""
    return [{"key": one.name, "path": f"{folder}/{one.name}"} for one in files]


async def test_another_pod_comes_with_the_load(cluster: Cluster, loaded: Loaded) -> None:
    followed = {"enabled": True, "minReplicas": 2, "maxReplicas": 3}
    with metrics(cluster):
        cluster.install(
            f"intake.autoscaling={json.dumps({**followed, 'targetCPUUtilizationPercentage': 50})}",
            'intake.resources.requests.cpu="20m"',
        )
        # A Deployment whose pods nobody counts any more begins with one.
        await eventually(lambda: len(cluster.pods("intake")) == 2, within=90, what="its least")
        async with loaded.load() as seen:
            await eventually(
                lambda: len(cluster.pods("intake")) == 3, within=240, what="a third pod"
            )
    assert seen.refused == []


async def test_what_is_taken_away_leaves_topics_and_logins_for_a_release_of_its_name_and_nothing_else(
    cluster: Cluster, before: frozenset[str], tmp_path: Path
) -> None:
    registry_of(SYSTEMS, tmp_path / "registry")
    given = {
        value: printed(command, tmp_path / "registry", "--cluster", "kafka")
        for value, command in COMMANDS.items()
    }
    with strimzi(cluster):
        cluster.install(values={"strimzi": given})
        kept = of_the_release(cluster) - before
        assert installed(cluster) <= kept
        # Helm's own record of the release has its name alone.
        assert any(one.split("/")[-1].startswith("sh.helm.release") for one in kept)
        theirs = frozenset(one for one in kept if one.startswith(("KafkaTopic/", "KafkaUser/")))
        assert len(theirs) == sum(one.count("kind: Kafka") for one in given.values()) > 40
        cluster.helm("uninstall", RELEASE, "--wait", "--timeout", "3m")

        def left() -> frozenset[str]:
            return of_the_release(cluster) - before

        with contextlib.suppress(AssertionError):
            await eventually(lambda: left() == theirs, within=60)
        assert left() == theirs
        again, other = (would_install(cluster, name, given) for name in (RELEASE, "other"))
        assert again.returncode == 0, again.stderr
        assert other.returncode != 0
        assert "invalid ownership metadata" in other.stderr


def would_install(
    cluster: Cluster, name: str, given: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Have the cluster say whether a release could be installed; nothing is."""
    return cluster.tried_helm(
        "install", name, str(CHART), "--dry-run=server", *values_of_tests(), "--values", "-",
        given=json.dumps({"strimzi": given}),
    )  # fmt: skip
