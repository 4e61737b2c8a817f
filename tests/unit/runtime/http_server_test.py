"""The HTTP server: it serves in the running loop, ends when asked, and says when its port is taken."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from prometheus_client import CollectorRegistry

from dsr_runtime.health import Health
from dsr_runtime.http.app import HttpServer, new_app
from dsr_runtime.process import StartFault


def a_server(port: int = 0) -> HttpServer:
    app = new_app(title="E", description="E", health=Health(), metrics=CollectorRegistry())
    return HttpServer(app, host="127.0.0.1", port=port)


async def test_it_serves_until_it_is_stopped() -> None:
    server = a_server()
    port = server._socket.getsockname()[1]
    running = asyncio.create_task(server.run())
    async with httpx.AsyncClient(trust_env=False) as client:
        # The port listens from the first turn of the loop that uvicorn gets; connecting waits for it.
        answer = await client.get(f"http://127.0.0.1:{port}/livez")
    assert answer.json() == {"status": "alive"}
    server.stop()
    await running


def test_a_port_that_is_taken_is_a_fault_that_says_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartFault, match=f"port {port} cannot be taken.*DSR_HTTP_PORT"):
            a_server(port)
