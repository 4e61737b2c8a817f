"""Temporal's client and worker show their own metrics where they are asked to."""

from __future__ import annotations

import httpx
import pytest

from dsr_runtime.process import StartFault
from dsr_runtime.temporal import TemporalConnection, connect, showing_metrics
from support.services import free_port


def test_without_a_port_nothing_is_measured() -> None:
    assert showing_metrics("127.0.0.1", None) is None


async def test_what_the_client_measures_is_shown_in_seconds(temporal_address: str) -> None:
    port = free_port()
    runtime = showing_metrics("127.0.0.1", port)
    client = await connect(TemporalConnection(address=temporal_address), runtime)
    await client.count_workflows("WorkflowType = 'none'")
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    assert "temporal_request_latency_seconds_bucket" in text


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    port = free_port()
    kept = showing_metrics("127.0.0.1", port)
    with pytest.raises(StartFault, match="DSR_TEMPORAL_METRICS_PORT"):
        showing_metrics("127.0.0.1", port)
    del kept
