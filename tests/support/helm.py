"""Helm, built once from its Go modules; and the chart, rendered by it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from support.sources import ROOT

__all__ = ["CHART", "CI", "Helm", "Rendered", "built_helm"]

CHART = ROOT / "deploy" / "helm" / "dsr"
CI = sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))

_MODULE = ROOT / "tools" / "helm"
_RELEASE, _NAMESPACE = "dsr", "privacy"
_NONE: Mapping[str, Path] = MappingProxyType({})


def built_helm() -> Path:
    """Return the program `helm` of the version that tools/helm pins; at once where it was built before."""
    pinned = hashlib.sha256((_MODULE / "go.sum").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "dsr" / "tools"
    program = cache / f"helm-{pinned}"
    if program.exists():
        return program
    beside = Path(sys.executable).with_name("go")
    go = str(beside) if beside.exists() else shutil.which("go")
    if go is None:
        pytest.skip("there is no Go to build Helm with")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        built = subprocess.run(
            (go, "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w",
             "-o", f"{folder}/helm", "helm.sh/helm/v4/cmd/helm"),
            cwd=_MODULE,
            env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if built.returncode and "dial tcp" in built.stderr:
            pytest.skip("the Go modules of Helm cannot be fetched from here")
        assert built.returncode == 0, built.stderr
        Path(folder, "helm").replace(program)
    return program


@dataclass(frozen=True)
class Rendered:
    """Everything that a release would put into the cluster."""

    objects: list[dict[str, Any]]

    @property
    def prefix(self) -> str:
        """What every name begins with."""
        names = [
            str(one["metadata"]["name"]) for one in self.objects if one["kind"] == "Deployment"
        ]
        return next(one for one in names if one.endswith("intake")).removesuffix("intake")

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of a kind, by their names without what all begin with."""
        return {
            one["metadata"]["name"].removeprefix(self.prefix): one
            for one in self.objects
            if one["kind"] == kind
        }

    def pods(self) -> dict[str, dict[str, Any]]:
        """The specification of every pod, by what it belongs to."""
        found = {
            f"{one['kind']}/{one['metadata']['name']}": one["spec"]["template"]["spec"]
            for one in self.objects
            if one["kind"] in {"Deployment", "Job"}
        }
        return found | {f"Pod/{name}": one["spec"] for name, one in self.of("Pod").items()}

    def environment(self, service: str) -> dict[str, Any]:
        """The variables of a service's container: text, or where a Secret has it."""
        pod = self.of("Deployment")[service]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        (source,) = container["envFrom"]
        settings = self.of("ConfigMap")[source["configMapRef"]["name"].removeprefix(self.prefix)]
        found: dict[str, Any] = dict(settings["data"])
        for one in container["env"]:
            found[one["name"]] = one.get("value", one.get("valueFrom"))
        return found


@dataclass(frozen=True)
class Helm:
    """Helm over the chart."""

    program: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it, with nothing of this machine's own Helm."""
        with tempfile.TemporaryDirectory() as home:
            return subprocess.run(
                (str(self.program), *arguments),
                env={"HOME": home, "PATH": os.environ["PATH"], "KUBECONFIG": f"{home}/none"},
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip

    def lint(self, values: str) -> subprocess.CompletedProcess[str]:
        """Lint the chart with the values of a file of ci/."""
        return self.run("lint", "--strict", str(CHART), "--values", str(_values(values)))

    def template(self, values: str, *sets: str, files: Mapping[str, Path] = _NONE) -> Rendered:
        """Render the chart with the values of a file of ci/, and some more: JSON, or a file's text."""
        done = self.templated(values, *sets, files=files)
        assert done.returncode == 0, done.stderr
        return Rendered([one for one in yaml.safe_load_all(done.stdout) if one])

    def templated(
        self, values: str, *sets: str, files: Mapping[str, Path] = _NONE
    ) -> subprocess.CompletedProcess[str]:
        """Try to render the chart."""
        more = [word for one in sets for word in ("--set-json", one)]
        more += [word for name, file in files.items() for word in ("--set-file", f"{name}={file}")]
        return self.run(
            "template", _RELEASE, str(CHART), "--namespace", _NAMESPACE,
            "--values", str(_values(values)), *more,
        )  # fmt: skip


def _values(name: str) -> Path:
    return CHART / "ci" / f"{name}.yaml"
