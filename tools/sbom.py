"""Write a CycloneDX bill of what is installed: the locked Python packages, and the jars of Kafka.

Licences are what each package says of itself.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKED = re.compile(
    r"(?P<name>[\w.-]+)(?:\[[\w,-]+\])?==(?P<version>[^ ]+)(?: ; (?P<marker>.+?))?(?: \\)?"
)


def locked(lock: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield each package of a lock that this machine takes: its name, version and allowed hashes."""
    name = version = ""
    hashes: list[str] = []
    for line in [*lock.splitlines(), "end==0"]:
        if line.startswith("    --hash=sha256:"):
            hashes.append(line.split(":", 1)[1].removesuffix(" \\"))
        elif found := LOCKED.fullmatch(line):
            if name:
                yield name, version, hashes
            marker = found["marker"]
            is_taken = marker is None or Marker(marker).evaluate()
            name, version, hashes = found["name"] if is_taken else "", found["version"], []


def python_component(name: str, version: str, hashes: list[str]) -> dict[str, Any]:
    """Return one package as CycloneDX has it; what is installed must be what the lock says."""
    installed = metadata.distribution(name)
    if installed.version != version:
        raise SystemExit(
            f"{name} is {installed.version}, and {version} in the lock: make bootstrap"
        )
    url = f"pkg:pypi/{canonicalize_name(name)}@{version}"
    return {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": version,
        "purl": url,
        **_licences(installed.metadata),
        "properties": [{"name": "dsr:locked:sha256", "value": one} for one in hashes],
    }


def _licences(said: metadata.PackageMetadata) -> dict[str, Any]:
    if expression := said.get("License-Expression"):
        return {"licenses": [{"expression": expression}]}
    names = [
        one.rpartition(" :: ")[2]
        for one in said.get_all("Classifier", [])
        if one.startswith("License ::")
    ]
    text = (said.get("License") or "").strip()
    if not names and text and "\n" not in text:
        names = [text]
    return {"licenses": [{"license": {"name": one}} for one in names]} if names else {}


def jar_components(pins: Path) -> Iterator[dict[str, Any]]:
    """Yield the jars that make up Kafka."""
    from dsr_cli.stack.pins import read_pins  # noqa: PLC0415 - an image has neither

    for jar in read_pins(pins):
        url = f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}"
        yield {
            "type": "library",
            "bom-ref": url,
            "group": jar.group,
            "name": jar.artifact,
            "version": jar.version,
            "purl": url,
            "hashes": [{"alg": "SHA-256", "content": jar.sha256}],
        }


def bill(root: Path, *, at: datetime, only: frozenset[str] | None = None) -> dict[str, Any]:
    """Return the whole bill, or that of an image, which holds only some of the locked packages."""
    lock = (root / "requirements.lock").read_text()
    components = [python_component(*one) for one in locked(lock) if only is None or one[0] in only]
    if only is None:
        components += jar_components(root / "deploy" / "local" / "kafka.toml")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": at.isoformat(timespec="seconds"),
            "component": {"type": "application", "bom-ref": "dsr", "name": "dsr"},
        },
        "components": sorted(components, key=lambda one: str(one["purl"])),
    }


def main() -> None:
    """Write the bill where it is told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="else it is printed")
    parser.add_argument(
        "--packages", type=Path, help="a file with the names of an image's packages"
    )
    asked = parser.parse_args()
    out = asked.out
    only = frozenset(asked.packages.read_text().split()) if asked.packages else None
    made = bill(ROOT, at=datetime.now(UTC), only=only)
    text = json.dumps(made, indent=2) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{out}: {len(made['components'])} components\n")


if __name__ == "__main__":
    main()
