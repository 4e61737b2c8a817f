"""A cluster that KUBECONFIG names, with a namespace of a test's own for parts, systems and the chart."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from dsr_cli.group.keys import key_pair
from dsr_cli.stack.roles import login_of, owner_of
from dsr_cli.stack.secret_store import SecretStore
from support.helm import CHART, built_helm
from support.sources import ROOT

__all__ = ["RELEASE", "SYSTEMS", "TAG", "Cluster", "load_images", "values_of_tests"]

RELEASE = "dsr"
TAG = os.environ.get("DSR_TAG", "0.1.0")
SYSTEMS = {
    "backup-index": "backup-provider",
    "identity-checks": "cloud-europe",
    "newsletter": "mail-delivery-provider",
}
_FOLDER = ROOT / "tests" / "cluster"
_PASSWORD = "only-for-these-tests"
_ORIGIN = "dsr.localhost/log"
_IMAGES = {
    "KAFKA_IMAGE": os.environ.get("KAFKA_IMAGE", f"dsr-kafka:{TAG}"),
    "TEMPORAL_IMAGE": os.environ.get("TEMPORAL_IMAGE", f"dsr-temporal:{TAG}"),
    "POSTGRES_IMAGE": os.environ.get("POSTGRES_IMAGE", f"dsr-postgresql:{TAG}"),
    "CLI_IMAGE": f"dsr-cli:{TAG}",
    "EXAMPLES_IMAGE": f"dsr-examples:{TAG}",
}
_NONE: Mapping[str, Any] = MappingProxyType({})
_KUBECTL = shlex.split(os.environ.get("KUBECTL", "kubectl"))


class Cluster:
    """One namespace of it."""

    def __init__(self) -> None:
        self.namespace = f"dsr-{uuid.uuid4().hex[:8]}"
        self._helm = built_helm()

    def kubectl(self, *arguments: str, given: str | None = None, within: float = 120) -> str:
        """Run kubectl in the namespace; return what it printed.

        Raises:
            AssertionError: It failed; the text has what it said.
        """
        done = self.tried(*arguments, given=given, within=within)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def tried(
        self, *arguments: str, given: str | None = None, within: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl, whatever becomes of it."""
        return subprocess.run(
            [*_KUBECTL, "--namespace", self.namespace, *arguments],
            input=given, capture_output=True, text=True, check=False, timeout=within,
        )  # fmt: skip

    def get(self, *arguments: str) -> Any:
        """Return objects of the namespace."""
        return json.loads(self.kubectl("get", *arguments, "--output", "json"))

    def apply(self, file: str, **variables: str) -> None:
        """Apply a file of tests/cluster."""
        known = {"NAMESPACE": self.namespace, "PASSWORD": _PASSWORD, **_IMAGES, **variables}
        text = re.sub(r"\$\{(\w+)\}", lambda one: known[one[1]], (_FOLDER / file).read_text())
        self.kubectl("apply", "--filename", "-", given=json.dumps(yaml.safe_load(text)))

    def secret(self, name: str, values: Mapping[str, str]) -> None:
        """Make a Secret."""
        data = {key: base64.b64encode(one.encode()).decode() for key, one in values.items()}
        made = {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data,
        }  # fmt: skip
        self.kubectl("create", "--filename", "-", given=json.dumps(made))

    def config_map(self, name: str, *sources: Path) -> None:
        """Make a ConfigMap of files, or of all files of folders."""
        files = [f"--from-file={one}" for one in sources]
        self.kubectl("create", "configmap", name, *files)

    def helm(self, *arguments: str, given: str | None = None, within: float = 300) -> str:
        """Run Helm in the namespace; return what it printed."""
        done = self.tried_helm(*arguments, given=given, within=within)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def tried_helm(
        self, *arguments: str, given: str | None = None, within: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run Helm, whatever becomes of it."""
        return subprocess.run(
            [str(self._helm), "--namespace", self.namespace, *arguments],
            input=given, capture_output=True, text=True, check=False, timeout=within,
        )  # fmt: skip

    def install(self, *sets: str, values: Mapping[str, Any] = _NONE) -> str:
        """Install the chart, or upgrade it, and wait until all of it is ready.

        Args:
            sets: Values, each as a path with JSON.
            values: More of them.
        """
        return self.helm(
            "upgrade", "--install", RELEASE, str(CHART), "--wait", "--timeout", "4m",
            *values_of_tests(*sets), "--values", "-",
            given=json.dumps(dict(values)),
        )  # fmt: skip

    def settled(self, service: str) -> None:
        """Wait until a Deployment has all its pods, and none that is on its way out."""
        self.kubectl("rollout", "status", f"deployment/{service}", "--timeout=120s", within=130)

    def pods(self, service: str) -> list[str]:
        """Return the names of a service's pods that are ready and are to stay."""
        found = self.get("pods", "--selector", f"app.kubernetes.io/component={service}")["items"]
        return [
            one["metadata"]["name"]
            for one in found
            if "deletionTimestamp" not in one["metadata"]
            and any(
                state["type"] == "Ready" and state["status"] == "True"
                for state in one["status"].get("conditions", [])
            )
        ]

    def evicted(self, pod: str) -> str:
        """Ask for a pod's eviction; return `evicted`, or why not."""
        asked = {
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": pod, "namespace": self.namespace},
        }  # fmt: skip
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        done = self.tried("create", "--raw", path, "--filename", "-", given=json.dumps(asked))
        return done.stderr if done.returncode else "evicted"

    def program(self, where: str, *arguments: str) -> str:
        """Run the image's Python in a pod; return what it printed."""
        return self.kubectl("exec", where, "--", "/opt/dsr/bin/python", *arguments)

    @contextmanager
    def forwarded(self, what: str, port: int) -> Iterator[int]:
        """Reach a Service from this machine; yields the port here."""
        with subprocess.Popen(
            [*_KUBECTL, "--namespace", self.namespace, "port-forward", what, f":{port}"],
            stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            try:
                assert process.stdout is not None
                said = process.stdout.readline()
                yield int(said.split("127.0.0.1:")[1].split()[0])
            finally:
                process.terminate()

    def secrets(self) -> None:
        """Make every Secret that the chart names, and those of systems and of the trial."""
        with tempfile.TemporaryDirectory() as folder:
            store = SecretStore(Path(folder))
            names = ("key-encryption-key", "lookup-key", "package-key", "webhook-key")
            for name in names:
                store.key_file(name)
            store.note_key_file("log-key", origin=_ORIGIN)
            for system in SYSTEMS:
                key_pair(Path(folder), system)
            kept = {path.name: path.read_text() for path in Path(folder).iterdir()}
        self.secret("trial", kept)
        self.secret("dsr-internal", {"internal_token": _PASSWORD})
        for login in ("fanout", "operator"):
            self.secret(f"dsr-{login}", {"kafka_password": _PASSWORD})
        at = {
            service: {"postgres_dsn": _dsn(login_of(service)), "kafka_password": _PASSWORD}
            for service in ("intake", "verifier")
        }
        keys = {
            "lookup_key_file": kept["lookup-key"],
            "key_encryption_key_file": kept["key-encryption-key"],
        }
        self.secret("dsr-intake", {**at["intake"], **keys})
        self.secret("dsr-verifier", {**at["verifier"], "log_key_file": kept["log-key"]})
        for service in at:
            owner = {"postgres_migration_dsn": _dsn(owner_of(service))}
            own = {"postgres_dsn": at[service]["postgres_dsn"]}
            self.secret(f"dsr-{service}-owner", {**own, **owner})

    def super_user(self, port: int) -> str:
        """Return PostgreSQL's address for a forwarded port."""
        return f"postgresql://postgres:{_PASSWORD}@127.0.0.1:{port}/dsr"


def load_images() -> None:
    """Have every image in the cluster, by the command LOAD_IMAGE; without one they are there already."""
    command = os.environ.get("LOAD_IMAGE")
    if not command:
        return
    ours = [f"dsr-{one}:{TAG}" for one in ("intake", "fanout", "verifier")]
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        images = [*ours, *_IMAGES.values()]
        subprocess.run(["docker", "save", "--output", archive.name, *images], check=True)  # noqa: S607 - whichever engine is there
        subprocess.run([*shlex.split(command), archive.name], check=True, capture_output=True)


def values_of_tests(*sets: str) -> list[str]:
    """Return Helm's arguments for the release's values, with more of them as paths with JSON."""
    files = (CHART / "ci" / "small.yaml", _FOLDER / "values.yaml")
    return [
        *(word for one in files for word in ("--values", str(one))),
        *("--set", f"image.tag={TAG}"),
        *(word for one in sets for word in ("--set-json", one)),
    ]


def _dsn(login: str) -> str:
    return f"postgresql://{login}:{_PASSWORD}@postgresql:5432/dsr"
