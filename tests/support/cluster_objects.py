"""What a cluster has of the release, whatever its kind: by label, and by name where a label was forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from support.cluster import RELEASE, Cluster

__all__ = ["installed", "of_the_release", "strimzi"]

_LABEL = "app.kubernetes.io/instance"
_STRIMZI = ("crd/kafkatopics.kafka.strimzi.io", "crd/kafkausers.kafka.strimzi.io")


def of_the_release(cluster: Cluster) -> frozenset[str]:
    """Return everything that bears the release's label or its name, in whichever namespace or in none.

    Events alone are left out: they tell what was, and expire.
    """
    kinds = cluster.kubectl("api-resources", "--verbs=list", "--output=name").split()
    wanted = ",".join(one for one in kinds if one.split(".")[0] != "events")
    found = cluster.get(wanted, "--all-namespaces")["items"]
    return frozenset(_name(one) for one in found if _is_of_the_release(one["metadata"]))


def installed(cluster: Cluster) -> frozenset[str]:
    """Return what Helm says that it has installed and keeps."""
    said = cluster.helm("get", "manifest", RELEASE)
    return frozenset(_name(one, cluster.namespace) for one in yaml.safe_load_all(said) if one)


@contextmanager
def strimzi(cluster: Cluster) -> Iterator[None]:
    """Have the cluster know Strimzi's kinds, where it does not; what is of them goes with them."""
    if cluster.tried("get", *_STRIMZI).returncode == 0:
        yield
        return
    cluster.apply("strimzi.yaml")
    try:
        cluster.kubectl("wait", *_STRIMZI, "--for=condition=established", "--timeout=60s")
        yield
    finally:
        cluster.kubectl("delete", *_STRIMZI)


def _is_of_the_release(about: dict[str, Any]) -> bool:
    return about.get("labels", {}).get(_LABEL) == RELEASE or RELEASE in about["name"]


def _name(one: dict[str, Any], namespace: str = "") -> str:
    about = one["metadata"]
    return "/".join((one["kind"], about.get("namespace", namespace), about["name"]))
