"""The machine that a figure was taken on, since the figure means little without it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

__all__ = ["machine"]

_CPUINFO = Path("/proc/cpuinfo")


def machine() -> dict[str, str | int]:
    """Return what a reader must know to compare figures."""
    return {
        "cores": psutil.cpu_count() or 0,
        "cpu": _cpu_model(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": f"{os.getloadavg()[0]:.2f}",
    }


def _cpu_model() -> str:
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown"
