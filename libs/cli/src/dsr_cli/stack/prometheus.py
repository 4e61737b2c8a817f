"""Prometheus over the three services, where it is installed or was fetched."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dsr_cli.stack import probes
from dsr_cli.stack.errors import StackError, readable_os_errors
from dsr_cli.stack.process import ProcessSpec
from dsr_cli.stack.settings import StackSettings
from dsr_cli.stack.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "prometheus"
RULES = Path("deploy/monitoring/prometheus-rules.yaml")


@dataclass(frozen=True, slots=True)
class Programs:
    """Prometheus, and the tool that tests its rules."""

    prometheus: Path
    promtool: Path


def programs(cache_dir: Path) -> Programs | None:
    """Return the machine's own programs, else those that were fetched; none where there are none."""
    on_path = [shutil.which(name) for name in ("prometheus", "promtool")]
    if all(on_path):
        server, tool = (Path(found or "") for found in on_path)
        return Programs(server, tool)
    folder = _fetched(cache_dir)
    return Programs(folder / "prometheus", folder / "promtool") if folder.is_dir() else None


def fetch(cache_dir: Path) -> Programs:
    """Return the programs, of Debian's package where the machine has none; fetched once.

    The package is unpacked into the cache and not installed: nothing on the machine changes, and no
    service of it is started. Debian's own signatures are checked, by apt.

    Raises:
        StackError: It cannot be fetched; the text says what to do.
    """
    found = programs(cache_dir)
    if found is not None:
        return found
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        message = "there is no Prometheus; put `prometheus` and `promtool` on the path"
        raise StackError(message)
    target = _fetched(cache_dir).parent.parent
    with readable_os_errors("fetch Prometheus"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as name:
            folder = Path(name)
            _download(folder)
            [package] = folder.glob("prometheus_*.deb")
            run_tool(["dpkg-deb", "--extract", str(package), str(folder / "unpacked")])
            if not target.exists():  # else another run was faster
                (folder / "unpacked").rename(target)
    found = programs(cache_dir)
    if found is None:
        message = f"Debian's package of Prometheus has not brought what it should into {target}"
        raise StackError(message)
    return found


def _download(folder: Path) -> None:
    download = ["apt-get", "--quiet=2", "download", "prometheus"]
    try:
        run_tool(download, cwd=folder)
    except StackError:  # a machine that has no lists of packages yet
        run_tool(["apt-get", "--quiet=2", "update"])
        run_tool(download, cwd=folder)


def _fetched(cache_dir: Path) -> Path:
    return cache_dir / "debian-prometheus" / "usr" / "bin"


def prometheus_spec(settings: StackSettings, *, rules: Path | None = None) -> ProcessSpec | None:
    """Return how Prometheus runs here, by the checkout's rules unless others are given; or nothing."""
    found = programs(settings.cache_dir)
    if found is None:
        return None
    folder = settings.folder(NAME)
    configuration = folder / "prometheus.yml"

    def prepare(note: Callable[[str], None]) -> None:
        del note
        with readable_os_errors("configure Prometheus"):
            folder.mkdir(parents=True, exist_ok=True)
            configuration.write_text(
                yaml.safe_dump(_configuration(settings, rules)), encoding="utf-8"
            )

    return ProcessSpec(
        name=NAME,
        argv=(
            str(found.prometheus),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={settings.host}:{settings.prometheus_port}",
        ),
        ports=(settings.prometheus_port,),
        address=settings.prometheus_url,
        prepare=prepare,
        ready=lambda: probes.http_ok(f"{settings.prometheus_url}/-/ready"),
    )


def _configuration(settings: StackSettings, rules: Path | None) -> dict[str, object]:
    ports = {
        "intake": settings.intake_port,
        "fanout": settings.fanout_port,
        "verifier": settings.verifier_port,
        "fanout-temporal": settings.fanout_temporal_port,
        "temporal": settings.temporal_metrics_port,
    }
    return {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(rules or settings.checkout / RULES)],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [f"{settings.host}:{port}"]}]}
            for job, port in ports.items()
        ],
    }


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{fetch(StackSettings.from_environment().cache_dir).prometheus}\n")
    except StackError as error:
        sys.exit(str(error))
