"""The support bundle: what helps to understand an installation, and says nothing of any person.

Everything goes in by an allow-list: settings that are switches, numbers and choices; samples of metrics
that are ours; of log lines the fields that hold ids and words of ours. What is not known is left out.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import tarfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx

from dsr_cli.doctor.services import samples, text
from dsr_cli.settings_check import SERVICES, checked

__all__ = ["log_lines", "metrics_of", "settings_of", "versions", "write"]

LINES = 2000
"""Lines of each log, the newest."""

_SAMPLES = ("dsr_", "process_", "python_", "temporal_")

_FIELDS = frozenset(
    {
        "action", "attempt", "batch", "client_id", "closed", "cohort_id", "count", "delay_s",
        "duration_ms", "group_id", "hold_id", "kind", "kinds", "level", "logger", "method",
        "notices", "offset", "opened", "organisation_id", "part", "partition", "path_template",
        "port", "reason", "registry_digest", "reminder", "request_id", "revision", "right", "scope",
        "service", "signal", "state", "status", "system_id", "systems", "timestamp", "topic",
        "trace_id", "version", "witness", "workflow_id",
    }
)  # fmt: skip
_VALUE = re.compile(r"[A-Za-z0-9_.:/{}+-]{1,120}")
_CLASS = re.compile(r"[A-Z][A-Za-z]{2,60}(?:Error|Exception|Fault|Timeout)?")
_WORDS = re.compile(r"[a-z][A-Za-z' ,;:()-]{1,120}")
"""What an event of ours looks like: words, no number and no address."""


def versions(statuses: Mapping[str, Any]) -> dict[str, Any]:
    """Return what runs: the services as they say, this command, and what it runs on."""
    ours = sorted(
        one.metadata["Name"]
        for one in metadata.distributions()
        if (one.metadata["Name"] or "").startswith("dsr-")
    )
    return {
        "services": statuses,
        "packages": {name: metadata.version(name) for name in ours},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


def settings_of(told: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return each service's switches, numbers and choices, what else is set, and what is wrong."""
    found: dict[str, Any] = {}
    for service in SERVICES:
        said = checked(service, told[service])
        if said is None:
            found[service] = {"not_installed": True}
            continue
        names = sorted(one for one in said.variables if told[service].get(one))
        found[service] = {
            "shown": dict(said.shown),
            "set_and_not_shown": [one for one in names if one not in said.shown],
            "variables_with_faults": sorted({one.partition(":")[0] for one in said.faults}),
        }
    return found


def metrics_of(url: str) -> str:
    """Return a service's samples that are ours, its process's, or Temporal's; empty where it is away."""
    try:
        exposition = text(url, "/metrics")
    except httpx.HTTPError:
        return ""
    return "".join(
        f"{name}{{{labels}}} {value:g}\n" if labels else f"{name} {value:g}\n"
        for name, labels, value in samples(exposition)
        if name.startswith(_SAMPLES)
    )


def log_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield what may be shown of the newest lines of a log in JSON, a line each."""
    for line in deque(lines, LINES):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            yield json.dumps(_shown(said), ensure_ascii=False)


def _shown(said: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value for name, value in said.items() if name in _FIELDS and _is_shown(value)
    }
    is_ours = str(said.get("logger", "")).startswith("dsr_")
    event = str(said.get("event", ""))
    found["event"] = event if is_ours and _WORDS.fullmatch(event) else "(not shown)"
    error = str(said.get("error", ""))
    if _CLASS.fullmatch(error):
        found["error"] = error
    elif "error" in said or "exception" in said:
        found["error"] = "(not shown)"
    return found


def _is_shown(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_plain(one) for one in value)
    return isinstance(value, bool | int | float) or _is_plain(value)


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None


def write(file: Path, contents: Mapping[str, str]) -> None:
    """Write an archive, for its owner alone; an existing file is not overwritten.

    Raises:
        OSError: It exists, or cannot be written.
    """
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as opened, tarfile.open(fileobj=opened, mode="w:gz") as archive:
        for name, content in contents.items():
            data = content.encode()
            info = tarfile.TarInfo(f"{file.name.removesuffix('.tar.gz')}/{name}")
            info.size, info.mtime = len(data), int(time.time())
            archive.addfile(info, io.BytesIO(data))
