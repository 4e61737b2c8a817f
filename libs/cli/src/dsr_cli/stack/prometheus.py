"""Prometheus over the three services, on machines that have it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import yaml

from dsr_cli.stack import probes
from dsr_cli.stack.errors import readable_os_errors
from dsr_cli.stack.process import ProcessSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsr_cli.stack.settings import StackSettings

NAME = "prometheus"


def prometheus_spec(settings: StackSettings) -> ProcessSpec | None:
    """Return how Prometheus runs here; nothing where it is not installed."""
    binary = shutil.which("prometheus")
    if binary is None:
        return None
    folder = settings.folder(NAME)
    configuration = folder / "prometheus.yml"

    def prepare(note: Callable[[str], None]) -> None:
        del note
        with readable_os_errors("configure Prometheus"):
            folder.mkdir(parents=True, exist_ok=True)
            configuration.write_text(yaml.safe_dump(_configuration(settings)), encoding="utf-8")

    return ProcessSpec(
        name=NAME,
        argv=(
            binary,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={settings.host}:{settings.prometheus_port}",
        ),
        ports=(settings.prometheus_port,),
        address=settings.prometheus_url,
        prepare=prepare,
        ready=lambda: probes.http_ok(f"{settings.prometheus_url}/-/ready"),
    )


def _configuration(settings: StackSettings) -> dict[str, object]:
    ports = {
        "intake": settings.intake_port,
        "fanout": settings.fanout_port,
        "verifier": settings.verifier_port,
        "temporal": settings.temporal_metrics_port,
    }
    return {
        "global": {"scrape_interval": "5s"},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [f"{settings.host}:{port}"]}]}
            for job, port in ports.items()
        ],
    }
