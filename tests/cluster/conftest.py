"""The chart on the cluster that KUBECONFIG names, beside parts and systems, once a run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import Internal
from dsr_cli.demo.people import submission
from dsr_examples.people import People
from support.cluster import SYSTEMS, Cluster, load_images
from support.cluster_load import Loaded
from support.cluster_objects import of_the_release
from support.ledger import Ledger
from support.sources import ROOT

_PEOPLE = 100


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give pods the time to start and to end."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def namespace() -> Iterator[Cluster]:
    """A namespace with Kafka, Temporal, PostgreSQL and the systems."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG names no cluster")
    load_images()
    made = Cluster()
    try:
        _furnish(made)
        yield made
    finally:
        made.tried("delete", "namespace", made.namespace, "--timeout=120s", within=150)


@pytest.fixture(scope="session")
def before(namespace: Cluster) -> frozenset[str]:
    """What looks like the release's before there is one: what it needs, and releases elsewhere."""
    return of_the_release(namespace)


@pytest.fixture(scope="session")
def cluster(namespace: Cluster, before: frozenset[str]) -> Cluster:  # noqa: ARG001 - looked at first
    """The namespace with the release, which answers to a client of its own."""
    namespace.install()
    for system in SYSTEMS:
        namespace.settled(system)
    _principals(namespace)
    return namespace


def _furnish(made: Cluster) -> None:
    made.kubectl("create", "namespace", made.namespace)
    made.secrets()
    made.config_map("trial", ROOT / "tools" / "trial.py")
    made.config_map("registry", *(ROOT / "registry").glob("*.yaml"))
    made.config_map("rules", *(ROOT / "rules").glob("*.yaml"))
    made.config_map("load", ROOT / "tests" / "cluster" / "load.py")
    people = [json.dumps(submission(People().person(one + 1))) for one in range(_PEOPLE)]
    made.secret("people", {"people.jsonl": "\n".join(people)})
    made.apply("parts.yaml", SYSTEMS=",".join(SYSTEMS))
    made.kubectl("wait", "job/setup", "--for=condition=complete", "--timeout=180s", within=200)
    for system, organisation in SYSTEMS.items():
        made.apply("system.yaml", SYSTEM=system, ORGANISATION=organisation)


def _principals(made: Cluster) -> None:
    """Make who submits, and who publishes; each has a Secret."""
    officer = made.program("deploy/dsr-intake", "-m", "dsr_intake", "officer", "o").split()[-1]
    made.secret("officer", {"token": officer})
    with made.forwarded("service/dsr-intake", 8080) as port:
        intake = InternalApi(Internal(f"http://127.0.0.1:{port}", officer))
        client = intake.create_client({"name": "load", "reason": "a test"})
    made.secret("load", {"token": str(client["api_key"])})


@pytest.fixture(scope="session")
def ledger(cluster: Cluster) -> Iterator[Ledger]:
    """What services keep of what was submitted."""
    with cluster.forwarded("service/postgresql", 5432) as port:
        yield Ledger(lambda: cluster.super_user(port), SYSTEMS)


@pytest.fixture(scope="session")
def loaded(cluster: Cluster, ledger: Ledger) -> Loaded:
    """Load from within the cluster, through intake's Service."""
    return Loaded(cluster, ledger)
