"""The metrics API of a cluster: its own, or by a metrics server that runs beside it on this machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import httpx
import pytest

from dsr_cli.waiting import wait_until
from support.cluster import Cluster

__all__ = ["metrics"]

_PORT = 14443
_GLOBAL = (
    "apiservice/v1beta1.metrics.k8s.io",
    "clusterrole/dsr-tests-metrics",
    "clusterrolebinding/dsr-tests-metrics",
)
_API = "/apis/metrics.k8s.io/v1beta1/pods"


@contextmanager
def metrics(cluster: Cluster) -> Iterator[None]:
    """Have the cluster know what its pods use.

    Where it does not know, METRICS_SERVER names a metrics server to run on this machine, which must be
    the cluster's node; without one the test is skipped.
    """
    if _answers(cluster):
        yield
        return
    program = os.environ.get("METRICS_SERVER")
    if not program:
        pytest.skip("the cluster has no metrics API, and METRICS_SERVER names nothing to make one")
    [node] = cluster.get("nodes")["items"]
    addresses = {one["type"]: one["address"] for one in node["status"]["addresses"]}
    address = addresses["InternalIP"]
    cluster.apply("metrics.yaml", ADDRESS=address, PORT=str(_PORT))
    config = os.environ["KUBECONFIG"]
    with (
        tempfile.TemporaryDirectory() as certificates,
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [
                program,
                f"--kubeconfig={config}",
                f"--authentication-kubeconfig={config}",
                f"--authorization-kubeconfig={config}",
                "--kubelet-insecure-tls",
                "--kubelet-preferred-address-types=InternalIP",
                "--metric-resolution=10s",
                "--kubelet-request-timeout=5s",
                f"--bind-address={address}",
                f"--secure-port={_PORT}",
                f"--cert-dir={certificates}",
            ],
            stderr=said,
        ) as process,
    ):
        try:
            [service] = cluster.get("services", "--field-selector=metadata.name=metrics-server")[
                "items"
            ]
            url = f"https://{service['spec']['clusterIP']}/apis/metrics.k8s.io/v1beta1"
            assert wait_until(lambda: _is_there(url), timeout=60), (
                f"{url} leads to no metrics server"
            )
            cluster.apply("metrics-api.yaml")
            served = wait_until(lambda: _answers(cluster), timeout=120)
            assert served, _why_not(cluster, node["metadata"]["name"], process, said)
            yield
        finally:
            process.terminate()
            cluster.kubectl("delete", *_GLOBAL)


def _is_there(url: str) -> bool:
    """Tell whether a metrics server answers there, by a connection that is not kept."""
    try:
        said = httpx.get(url, verify=False, trust_env=False, timeout=2)  # noqa: S501 - its own certificate
    except httpx.HTTPError:
        return False
    return said.is_success and "metrics.k8s.io" in said.text


def _answers(cluster: Cluster) -> bool:
    return '"usage"' in cluster.tried("get", "--raw", _API).stdout


def _why_not(cluster: Cluster, node: str, process: subprocess.Popen[bytes], said: IO[str]) -> str:
    """Return what each on the way from the kubelet to the metrics API says."""
    asked = {
        "the metrics API": ("get", "--raw", _API),
        "how its APIService stands": ("get", _GLOBAL[0], "--output=jsonpath={.status.conditions}"),
        "where its Service leads": ("get", "endpointslices", "--output=wide"),
        "the kubelet": ("get", "--raw", f"/api/v1/nodes/{node}/proxy/metrics/resource"),
    }
    found = {"the server's exit code": str(process.poll())}
    for what, command in asked.items():
        begun = time.monotonic()
        done = cluster.tried(*command)
        took = time.monotonic() - begun
        found[f"{what} ({took:.1f} s)"] = f"{done.stdout}{done.stderr}"[-1500:]
    said.seek(0)
    # It looks for an authority of the cluster's clients, again and again: this one has none.
    lines = [one for one in said if "extension-apiserver-authentication" not in one]
    found["the server"] = "".join(lines[-20:])
    return "no metrics\n" + "\n".join(f"{what}: {text}" for what, text in found.items())
