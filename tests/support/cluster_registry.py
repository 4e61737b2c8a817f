"""The example registry with some of its systems alone, as files that a release publishes."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from dsr_cli.registry import load_registry
from support.cluster import RELEASE, Cluster
from support.sources import ROOT

__all__ = ["publish", "registry_of", "rules"]


def registry_of(systems: Collection[str], folder: Path) -> str:
    """Write the registry's files into a folder, with these systems alone; return its digest."""
    folder.mkdir()
    for file in sorted((ROOT / "registry").glob("*.yaml")):
        found = yaml.safe_load(file.read_text())
        found["systems"] = [one for one in found.get("systems", []) if one["id"] in systems]
        for one in found["systems"]:
            one["copies_from"] = [other for other in one.get("copies_from", []) if other in systems]
        (folder / file.name).write_text(yaml.safe_dump(found, sort_keys=False))
    return load_registry(folder).digest


def rules() -> list[Path]:
    """Return the files of the rules."""
    return sorted((ROOT / "rules").glob("*.yaml"))


def publish(cluster: Cluster, **what: Any) -> None:
    """Upgrade the release so that it publishes; what it publishes is in force soon after.

    Args:
        cluster: Where the release is.
        what: Values of `publish`: the files, or a volume that has them.
    """
    token = {"name": "officer", "key": "token"}
    given = {"enabled": True, "secrets": {"token": token}, **what}
    cluster.install(values={"publish": given})
    [hook] = [
        one
        for one in json.loads(cluster.helm("status", RELEASE, "--output", "json"))["hooks"]
        if one["name"] == f"{RELEASE}-publish"
    ]
    assert hook["kind"] == "Job"
    assert hook["last_run"]["phase"] == "Succeeded"
