"""The HTTP server: it serves in the running loop, ends when asked, and says when its port is taken."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from prometheus_client import CollectorRegistry

from dsr_runtime.health import Health
from dsr_runtime.http.app import HttpServer, new_app, starting_app
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


async def test_while_a_service_starts_its_probes_answer_and_all_else_is_a_503() -> None:
    health, metrics = Health(), CollectorRegistry()
    health.expect("postgresql")
    server = HttpServer(starting_app(health=health, metrics=metrics), host="127.0.0.1", port=0)
    port = server._socket.getsockname()[1]
    running = asyncio.create_task(server.run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
        ready = await client.get("/readyz")
        assert (ready.status_code, list(ready.json()["faults"])) == (503, ["postgresql"])
        for method, path in [
            ("GET", "/v1/things"),
            ("POST", "/livez"),
            ("GET", "/openapi.json"),
            ("GET", "/servez"),
        ]:
            early = await client.request(method, path)
            assert early.status_code == 503
            assert early.headers["content-type"] == "application/problem+json"
            assert early.headers["retry-after"] == "2"

        app = new_app(title="E", description="E", health=health, metrics=metrics)

        @app.get("/v1/things")
        async def things() -> dict[str, str]:
            return {}

        server.serve(app)
        assert (await client.get("/v1/things")).status_code == 200
        assert (await client.get("/servez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503  # as before: the part is still away
        assert (await client.get("/v1/others")).status_code == 404
    server.stop()
    await running


def test_a_port_that_is_taken_is_a_fault_that_says_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartFault, match=f"port {port} cannot be taken.*DSR_HTTP_PORT"):
            a_server(port)
