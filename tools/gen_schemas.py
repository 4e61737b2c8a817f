"""Take the schemas that rendered objects are checked against out of their sources, as schemas.toml names them.

Needs a network and Go; what it writes is under version control, so that nothing else does. Kept is what a
validator heeds, closed: a field that the schema does not know is a fault, as `kubectl` would warn of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jgo.maven import MavenContext
from jgo.parse import Coordinate

from dsr_cli.stack.binaries import java

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "tools" / "schemas.toml"
TARGET = ROOT / "tests" / "deploy" / "schemas"

_NUMBER_OR_TEXT = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}
"""What the published schema calls text, and every client may write as a number."""

_HEEDED = {
    "$ref", "additionalProperties", "allOf", "anyOf", "enum", "items", "maxItems", "maxLength",
    "maximum", "minItems", "minLength", "minimum", "not", "oneOf", "pattern", "properties",
    "required", "type", "uniqueItems",
}  # fmt: skip


def main() -> int:
    """Write every file of schemas anew."""
    pins = tomllib.loads(PINS.read_text(encoding="utf-8"))
    TARGET.mkdir(parents=True, exist_ok=True)
    for version in pins["kubernetes"]["versions"]:
        _write(f"kubernetes-{version}", kubernetes(version, pins["kubernetes"]["kinds"]))
    definitions = [
        *(one for name, pin in pins["modules"].items() for one in of_module(name, pin)),
        *of_strimzi(pins["strimzi"]),
    ]
    _write("custom", {"kinds": dict(map(custom, definitions)), "$defs": {}})
    return 0


def kubernetes(version: str, kinds: Iterable[str]) -> dict[str, Any]:
    """Return the schemas of these kinds with all that they refer to."""
    folder = module("k8s.io/kubernetes", version)
    published = json.loads((folder / "api" / "openapi-spec" / "swagger.json").read_text())
    known = published["definitions"]
    found: dict[str, Any] = {}
    waiting = list(kinds)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _NUMBER_OR_TEXT.get(name) or closed(known[name])
            waiting += [one.removeprefix("#/$defs/") for one in references(found[name])]
    return {
        "kinds": {
            _title(known[name]["x-kubernetes-group-version-kind"][0]): {"$ref": f"#/$defs/{name}"}
            for name in kinds
        },
        "$defs": dict(sorted(found.items())),
    }


def _title(of: dict[str, str]) -> str:
    return "/".join(filter(None, (of.get("group"), of["version"], of["kind"])))


def custom(definition: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return what a CustomResourceDefinition defines, of its stored version, and its schema."""
    spec = definition["spec"]
    version = next(one for one in spec["versions"] if one["storage"])
    schema = closed(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}  # Kubernetes' own, for every kind
    return f"{spec['group']}/{version['name']}/{spec['names']['kind']}", schema


def closed(schema: Any, *, is_names: bool = False) -> Any:
    """Return a schema without its prose, that refuses every field which it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema.replace("#/definitions/", "#/$defs/") if isinstance(schema, str) else schema
    if is_names:
        return {name: closed(one) for name, one in schema.items()}
    found = {
        word: closed(one, is_names=word == "properties")
        for word, one in schema.items()
        if word in _HEEDED
    }
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in found and found.get("type") == "object" and not is_open:
        found.setdefault("additionalProperties", False)
    if schema.get("nullable"):
        found["type"] = [found["type"], "null"]
    return found


def references(schema: Any) -> Iterator[str]:
    """Yield every reference in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for one in schema.values():
            yield from references(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from references(one)


def module(name: str, version: str, wanted: str | None = None) -> Path:
    """Return the folder of a Go module, whose sum must be the one that is wanted."""
    fetched = json.loads(_run("go", "mod", "download", "-json", f"{name}@{version}"))
    if wanted is not None and fetched["Sum"] != wanted:
        raise SystemExit(f"{name} {version} has the sum {fetched['Sum']}, pinned is {wanted}")
    return Path(fetched["Dir"])


def of_module(name: str, pin: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the definitions in the files of a Go module."""
    folder = module(name, pin["version"], pin["sum"])
    for file in pin["files"]:
        yield from filter(None, yaml.safe_load_all((folder / file).read_text(encoding="utf-8")))


def of_strimzi(pin: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the definitions that Strimzi's generator makes of its classes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        context = MavenContext(repo_cache=folder / "jars")
        jars = {
            str(jar)
            for artifact in ("api", "crd-generator")
            for jar in _jars(context, artifact, pin["version"])
        }
        files = {one: folder / f"{one.rsplit('.', 1)[1]}.yaml" for one in pin["classes"]}
        _run(
            str(java()), "-cp", ":".join(sorted(jars)), "io.strimzi.crdgenerator.CrdGenerator",
            "--yaml", *(f"{one}={path}" for one, path in files.items()),
        )  # fmt: skip
        for path in files.values():
            yield yaml.safe_load(path.read_text(encoding="utf-8"))


def _jars(context: MavenContext, artifact: str, version: str) -> Iterator[Path]:
    coordinate = Coordinate(
        groupId="io.strimzi", artifactId=artifact, version=version, scope="compile"
    )
    root, transitive = context.resolver.resolve([context.create_dependency(coordinate)])
    for one in [*root, *transitive]:
        if one.scope in {None, "compile", "runtime"}:
            yield one.artifact.resolve()


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _write(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, separators=(",", ":"), sort_keys=True)
    (TARGET / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
