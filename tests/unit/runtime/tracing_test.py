"""Tracing that is off is not even loaded: neither what keeps spans nor what sends them."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    for one in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
        importlib.import_module(one.name)
print(*(one for one in sys.modules if one.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))))
"""


def loaded_by(*names: str) -> list[str]:
    """Return what of its SDK is there once a process has imported some modules, and all below them."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *names],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.parametrize("service", ["intake", "fanout", "verifier"])
def test_a_service_loads_nothing_of_opentelemetry_until_it_is_switched_on(service: str) -> None:
    assert loaded_by(f"dsr_{service}.__main__", f"dsr_{service}.bootstrap") == []


def test_what_keeps_spans_would_be_seen() -> None:
    assert "opentelemetry.sdk.trace" in loaded_by("opentelemetry.sdk.trace")
