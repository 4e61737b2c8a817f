"""A real Prometheus over a loop, and what tests ask of it."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dsr_cli.stack import StackError
from dsr_cli.stack.prometheus import NAME, RULES, fetch, prometheus_spec
from support.loop import Loop
from support.parts import ROOT
from support.waiting import eventually

__all__ = ["SHORTENED", "Prometheus", "quick_rules", "watching"]

SHORTENED = {
    "> 120": "> 4",  # DsrOutboxStuck
    "> 259200": "> 4",  # DsrOrganisationSilent
    "[1d]": "[15s]",  # its window
    "offset 1d": "offset 15s",  # and what was not there before it
    "> 3600": "> 4",  # DsrLettersStuck, DsrPackagesStuck
    "> 1800": "> 20",  # DsrMeasurementsStale
    "> 60\n": "> 4\n",  # DsrLogStuck
    "[10m]": "[30s]",  # DsrCallsFailing, DsrStepsHeldUp, DsrWorkflowTasksSlow
    "[15m]) > 1000": "[10s]) > 0",  # DsrConsumerBehind
    "[15m]))\n          > 1000": "[10s]))\n          > 0",
}
"""What is waited for in life, and what in tests."""


def quick_rules() -> str:
    """Return the checkout's own rules with their waiting times shortened to seconds."""
    text = re.sub(r"^ +for: \w+\n", "", (ROOT / RULES).read_text(), flags=re.MULTILINE)
    for long, short in SHORTENED.items():
        text = text.replace(long, short)
    return text


class Prometheus:
    """What a Prometheus says."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=20)

    async def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer; a query that is none fails here."""
        response = await self._http.get(path, params=parameters)
        assert response.status_code == httpx.codes.OK, (parameters, response.text)
        return response.json()["data"]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an expression now."""
        found: list[dict[str, Any]] = (await self.get("/query", query=expression))["result"]
        return found

    async def shows(self, expression: str, *, within: float = 60) -> None:
        """Return once an expression has a series."""
        await eventually(lambda: self.query(expression), within=within, what=expression)

    async def measured(self, service: str) -> None:
        """Return once a service has counted anew what is open.

        It rests for fifty times as long as the counting took, so that how long this takes depends on
        the machine; what follows from the counting is at hand then.
        """
        newest = f"max(dsr_{service}_measured_timestamp_seconds)"
        await self.shows(f"{newest} > {time.time()}", within=200)

    async def firing(self, alert: str, **labels: str) -> bool:
        """Tell whether an alert fires, with these labels."""
        told = (await self.get("/alerts"))["alerts"]
        wanted = {"alertname": alert, **labels}.items()
        return any(one["state"] == "firing" and wanted <= one["labels"].items() for one in told)

    async def fires(self, alert: str, **labels: str) -> None:
        """Return once an alert fires."""
        await eventually(lambda: self.firing(alert, **labels), within=60, what=f"{alert} fires")

    async def is_over(self, alert: str, **labels: str) -> None:
        """Return once an alert fires no more."""

        async def over() -> bool:
            return not await self.firing(alert, **labels)

        await eventually(over, within=60, what=f"{alert} is over")

    async def close(self) -> None:
        """Ask no more."""
        await self._http.aclose()


@asynccontextmanager
async def watching(loop: Loop, *, rules: Path | None = None) -> AsyncIterator[Prometheus]:
    """Run Prometheus over a loop, by the checkout's rules unless others are given.

    The rules are those of the first call for a loop. A machine that can have none skips, which CI
    counts as a failure.
    """
    settings = loop.stack.settings
    try:
        fetch(settings.cache_dir)
    except StackError as fault:
        pytest.skip(str(fault))
    spec = prometheus_spec(settings, rules=rules)
    assert spec is not None
    if NAME not in loop.stack.names:
        loop.stack.add(spec)
    loop.stack.start(NAME)
    one = Prometheus(settings.prometheus_url)
    try:
        yield one
    finally:
        await one.close()
        loop.stack.stop(NAME)
