"""Every image by itself: what it weighs, what its bill says of it, and how soon the command says something."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testcontainers.core.docker_client import DockerClient

from support.composed import TAG, engine_answers
from support.container_loop import SERVICES

IMAGES = (*SERVICES, "cli", "examples")
MOST_ADDED = 180_000_000
"""Bytes that an image may have beside its base."""

MOST_TO_START_S = 1.0
"""Of a processor, for the command's first line; a third of it on the machines that were measured."""

SIZE = """
import os
found = [os.path.join(at, one) for at, _, those in os.walk("/opt/dsr") for one in those]
print(sum(os.lstat(one).st_size for one in found))
"""
"""Says how large all is that an image adds; tests/deploy holds that there is nothing else."""

INSTALLED = """
import json, re
from importlib.metadata import distributions
print(json.dumps({re.sub("[-_.]+", "-", one.name).lower(): one.version for one in distributions()}))
"""

START = """
import resource, subprocess
subprocess.run(["/opt/dsr/bin/dsr", "--help"], check=True, capture_output=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime)
"""


class Image:
    """One of ours, a process of which is run and gone."""

    def __init__(self, name: str) -> None:
        self._images = DockerClient().client
        self._name = f"dsr-{name}:{TAG}"

    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self._images.images.get(self._name).attrs["Config"]["Labels"]
        return labels

    def run(self, program: str) -> str:
        """Return what a program says in it, with nothing to write to and nobody to call."""
        said: bytes = self._images.containers.run(
            self._name, ["-c", program], entrypoint=["/opt/dsr/bin/python"],
            read_only=True, network_mode="none", remove=True,
        )  # fmt: skip
        return said.decode()


@pytest.fixture
def image(request: pytest.FixtureRequest) -> Image:
    if not engine_answers():
        pytest.skip("no container engine answers here")
    return Image(request.param)


@pytest.mark.parametrize("image", IMAGES, indirect=True)
def test_an_image_adds_little_to_its_base(image: Image) -> None:
    assert 0 < int(image.run(SIZE)) <= MOST_ADDED


@pytest.mark.parametrize("image", IMAGES, indirect=True)
def test_its_label_names_a_bill_of_all_that_is_installed_in_it(image: Image) -> None:
    bill: dict[str, Any] = json.loads(
        image.run(f"print(open({image.labels()['dsr.sbom']!r}).read())")
    )
    assert bill["bomFormat"] == "CycloneDX"
    listed = {one["name"]: one["version"] for one in bill["components"]}
    installed = json.loads(image.run(INSTALLED))
    ours = {one for one in installed if one.startswith("dsr-")}
    assert {one: installed[one] for one in installed.keys() - ours} == listed


@pytest.mark.parametrize("image", ["cli"], indirect=True)
def test_the_command_starts_soon(image: Image) -> None:
    assert min(float(image.run(START)) for _ in range(3)) <= MOST_TO_START_S
