"""deploy/docker/compose.yaml as testcontainers: the trial's own settings, on a network of a test's own."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Self

import docker.errors
import yaml
from docker.types import Mount
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.network import Network

from support.sources import ROOT

__all__ = ["Composed", "drained", "engine_answers", "has_succeeded"]

FOLDER = ROOT / "deploy" / "docker"
TAG = os.environ.get("DSR_TAG", "0.1.0")
PARTS = {
    "KAFKA_IMAGE": "dsr-kafka",
    "TEMPORAL_IMAGE": "dsr-temporal",
    "POSTGRES_IMAGE": "dsr-postgresql",
}
SHELLS = ("/bin/sh", "/bin/bash")
_STOP_S = 35


def engine_answers() -> bool:
    """Tell whether a container engine answers here."""
    try:
        return bool(DockerClient().client.ping())
    except docker.errors.DockerException:
        return False


class Composed:
    """The containers of compose.yaml, by their names there; all of them are gone afterwards."""

    def __init__(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """`changes` are variables of single services, beside the file's own."""
        # Its own helper would come from a registry; what we start, we take away.
        testcontainers_config.ryuk_disabled = True
        self._changes = changes
        self._id = uuid.uuid4().hex[:8]
        self._docker = DockerClient().client
        self._network = Network()
        self._left = ExitStack()
        variables = {"DSR_TAG": TAG, **_parts(self._docker), **os.environ}
        text = re.sub(
            r"\$\{(\w+):-([^}]*)\}",
            lambda one: variables.get(one[1], one[2]),
            (FOLDER / "compose.yaml").read_text(),
        )
        self._file: dict[str, Any] = yaml.safe_load(text)

    def __enter__(self) -> Self:
        self._left.enter_context(self._network)
        for name in self._file["volumes"]:
            volume = self._docker.volumes.create(self._volume(name))
            self._left.callback(volume.remove, force=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.close()

    def start(self, name: str) -> DockerContainer:
        """Start a container of a service; another one where one runs already."""
        container = self._container(name)
        self._left.callback(_remove, container)
        return container.start()

    def run(self, name: str, program: str, environment: Mapping[str, str], *, memory: int) -> str:
        """Run a program of Python in a service's image, beside the rest; return what it printed.

        Raises:
            docker.errors.ContainerError: It failed, or wanted more memory than these bytes.
        """
        said: bytes = self._docker.containers.run(
            self._file["services"][name]["image"], ["-c", program],
            entrypoint=["/opt/dsr/bin/python"], environment=dict(environment),
            network=self._network.name, mem_limit=memory, read_only=True, tmpfs={"/tmp": ""},  # noqa: S108 - the container's own
            remove=True,
        )  # fmt: skip
        return said.decode()

    def password(self) -> str:
        """Return the password of everything."""
        return str(self._file["x-password"])

    def address(self, container: DockerContainer) -> str:
        """Return a container's own address: by a published port the engine takes connections for it."""
        wrapped = container.get_wrapped_container()
        wrapped.reload()
        return str(wrapped.attrs["NetworkSettings"]["Networks"][self._network.name]["IPAddress"])

    def cut(self, container: DockerContainer) -> None:
        """Take a container off the network; it runs on."""
        self._docker.networks.get(self._network.name).disconnect(container.get_container_id())

    def join(self, container: DockerContainer, name: str) -> None:
        """Have it on the network again, under the name of its service."""
        self._network.connect(container.get_container_id(), [name])

    def _container(self, name: str) -> DockerContainer:
        service = self._file["services"][name]
        more: dict[str, Any] = {
            key: service[key]
            for key in ("entrypoint", "user", "read_only", "cap_drop", "security_opt")
            if key in service
        }
        if "build" in service:
            # Ours need no shell: there is none.
            more["mounts"] = [Mount(one, "/dev/null", type="bind") for one in SHELLS]
        if "restart" in service:
            more["restart_policy"] = {"Name": service["restart"]}
        container = DockerContainer(
            service["image"],
            command=service.get("command"),
            env={**service.get("environment", {}), **self._changes.get(name, {})},
            network=self._network,
            network_aliases=[name],
            **more,
        )
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            container.with_volume_mapping(self._source(source), target, *mode or ["rw"])
        for path in service.get("tmpfs", []):
            container.with_tmpfs_mount(path)
        if "ports" in service or name in {"fanout", "verifier", "postgresql"}:
            port = "5432" if name == "postgresql" else "8080"
            # This machine's own address alone; the engine takes one, though the type has ports only.
            container.ports = {port: ("127.0.0.1",)}  # type: ignore[dict-item]
        return container

    def _volume(self, name: str) -> str:
        return f"dsr-{self._id}-{name}"

    def _source(self, source: str) -> str:
        return str((FOLDER / source).resolve()) if source.startswith(".") else self._volume(source)


def _parts(client: Any) -> dict[str, str]:
    """Return the images of the parts that `make images-parts` has built, where it has."""
    found = {}
    for variable, name in PARTS.items():
        try:
            client.images.get(f"{name}:{TAG}")
        except docker.errors.ImageNotFound:
            continue
        found[variable] = f"{name}:{TAG}"
    return found


def _remove(container: DockerContainer) -> None:
    with suppress(docker.errors.NotFound):
        container.stop()


def has_succeeded(container: DockerContainer) -> bool:
    """Tell whether a container has ended, and well; one that fails is begun again."""
    wrapped = container.get_wrapped_container()
    wrapped.reload()
    return bool(wrapped.status == "exited" and wrapped.attrs["State"]["ExitCode"] == 0)


def drained(container: DockerContainer) -> int:
    """Tell a container to end, as an engine does; return its exit code."""
    wrapped = container.get_wrapped_container()
    wrapped.stop(timeout=_STOP_S)
    code = int(wrapped.wait()["StatusCode"])
    container.stop()
    return code
