"""The chart on a true cluster, in the order of its life: installed, used, disturbed, changed, taken away."""

from __future__ import annotations

import contextlib
import json

import pytest

from support.cluster import RELEASE, Cluster
from support.cluster_load import Loaded
from support.cluster_metrics import metrics
from support.cluster_objects import installed, of_the_release
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


async def test_what_is_taken_away_leaves_nothing(cluster: Cluster, before: frozenset[str]) -> None:
    kept = of_the_release(cluster) - before
    assert installed(cluster) <= kept
    # Helm's own record of the release has its name alone.
    assert any(one.split("/")[-1].startswith("sh.helm.release") for one in kept)
    cluster.helm("uninstall", RELEASE, "--wait", "--timeout", "3m")

    def left() -> frozenset[str]:
        return of_the_release(cluster) - before

    with contextlib.suppress(AssertionError):
        await eventually(lambda: not left(), within=60)
    assert left() == frozenset()
