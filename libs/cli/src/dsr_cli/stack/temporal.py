"""Temporal's development server: one process, one database file, its web UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsr_cli.stack import probes
from dsr_cli.stack.binaries import temporal_binary
from dsr_cli.stack.errors import readable_os_errors
from dsr_cli.stack.process import ProcessSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsr_cli.stack.settings import StackSettings

NAME = "temporal"
NAMESPACE = "default"

SEARCH_ATTRIBUTES = {
    "DsrRight": "Keyword",
    "DsrJurisdiction": "Keyword",
    "DsrState": "Keyword",
    "DsrDueAt": "Datetime",
    "DsrSize": "Int",
}


def temporal_spec(settings: StackSettings) -> ProcessSpec:
    """Return how Temporal runs here; its workflows survive a restart."""
    folder = settings.folder(NAME)

    def prepare(note: Callable[[str], None]) -> None:
        del note
        with readable_os_errors("make Temporal's data folder"):
            folder.mkdir(parents=True, exist_ok=True)

    def ready() -> bool:
        # Through the web UI, so both answer; and by HTTP, since Temporal's client takes half a
        # second to import.
        return probes.http_ok(f"{settings.temporal_ui_url}/api/v1/namespaces/{NAMESPACE}")

    argv = [
        str(temporal_binary()),
        "server",
        "start-dev",
        *("--ip", settings.host),
        *("--port", str(settings.temporal_port)),
        *("--ui-port", str(settings.temporal_ui_port)),
        *("--metrics-port", str(settings.temporal_metrics_port)),
        "--ui-disable-news-fetch",
        *("--db-filename", str(folder / "temporal.db")),
        # Three times the throughput; only a power cut, not a crash, can lose what was said.
        *("--sqlite-pragma", "journal_mode=wal"),
        *("--sqlite-pragma", "synchronous=1"),
        *("--log-level", "warn"),
    ]
    for attribute, kind in SEARCH_ATTRIBUTES.items():
        argv += ["--search-attribute", f"{attribute}={kind}"]
    return ProcessSpec(
        name=NAME,
        argv=tuple(argv),
        ports=(settings.temporal_port, settings.temporal_ui_port, settings.temporal_metrics_port),
        address=f"{settings.temporal_address}, {settings.temporal_ui_url}",
        prepare=prepare,
        ready=ready,
    )
