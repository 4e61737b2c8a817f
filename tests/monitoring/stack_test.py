"""`dsr stack up` starts Prometheus where it is there, over the services and with the rules."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from dsr_cli.stack import StackSettings
from dsr_cli.stack.prometheus import RULES, Programs, prometheus_spec
from support.parts import ROOT, data_folder, stack_settings
from support.waiting import eventually

JOBS = {"intake", "fanout", "verifier", "fanout-temporal", "temporal"}

Dsr = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def settings() -> Iterator[StackSettings]:
    with data_folder() as folder:
        yield stack_settings(folder / "data")


@pytest.fixture
def dsr(settings: StackSettings) -> Iterator[Dsr]:
    place = {
        "DSR_PORT_BASE": str(settings.port_base),
        "DSR_DATA_DIR": str(settings.data_dir),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from dsr_cli.main import main; main()", *arguments],
            env={**os.environ, **place}, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    yield run
    run("stack", "reset", "--yes")


def test_up_starts_prometheus_with_the_rules_and_shows_where(
    prometheus: Programs, settings: StackSettings, dsr: Dsr
) -> None:
    del prometheus  # it is there
    up = dsr("stack", "up", "--no-services")
    assert up.returncode == 0, up.stderr
    assert settings.prometheus_url in up.stdout
    parts: list[dict[str, Any]] = json.loads(dsr("stack", "status", "--json").stdout)
    [part] = [one for one in parts if one["name"] == "prometheus"]
    assert (part["state"], part["address"]) == ("ready", settings.prometheus_url)
    told = httpx.get(f"{settings.prometheus_url}/api/v1/rules").json()["data"]["groups"]
    assert {group["file"] for group in told} == {str(settings.checkout / RULES)}
    # Prometheus is ready before it has looked where its targets are.
    asyncio.run(
        eventually(lambda: _jobs(settings.prometheus_url) == JOBS, what=f"targets {sorted(JOBS)}")
    )
    assert dsr("stack", "down").returncode == 0


def _jobs(prometheus_url: str) -> set[str]:
    targets = httpx.get(f"{prometheus_url}/api/v1/targets").json()["data"]["activeTargets"]
    return {one["labels"]["job"] for one in targets}


def test_without_prometheus_there_is_none_and_nothing_fails(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    bare = StackSettings(
        checkout=settings.checkout,
        port_base=settings.port_base,
        data_dir=settings.data_dir,
        cache_dir=settings.data_dir / "cache",
    )
    assert prometheus_spec(bare) is None
