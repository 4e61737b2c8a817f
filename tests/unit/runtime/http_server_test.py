"""The HTTP server: it serves in the running loop, ends when asked, and says when its port is taken."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import httpx
import pytest
from prometheus_client import CollectorRegistry

from dsr_runtime.health import Health
from dsr_runtime.http.app import HttpServer, new_app, starting_app
from dsr_runtime.process import StartFault
from support.waiting import eventually

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


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


async def test_who_has_connected_when_it_is_stopped_is_answered_and_nobody_else_let_in() -> None:
    server = a_server()
    address = server._socket.getsockname()
    running = asyncio.create_task(server.run())
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(f"http://127.0.0.1:{address[1]}/livez")
    running.cancel()  # what it does when it is stopped is done here, at a moment of our own
    with suppress(asyncio.CancelledError):
        await running
    reader, writer = await asyncio.open_connection(*address)
    await eventually(lambda: len(server._server.server_state.connections) == 1)
    # The turn of the loop that this one is in takes it no more: nobody but the kernel has it.
    late = socket.create_connection(address)
    late.sendall(LIVEZ)
    ending = asyncio.create_task(server._server.shutdown([server._socket]))
    late_reader, late_writer = await asyncio.open_connection(sock=late)
    assert b"alive" in await late_reader.read()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
    ended, _ = await asyncio.wait({ending}, timeout=0.3)
    assert not ended
    writer.write(LIVEZ)
    assert b"alive" in await reader.read()
    await ending
    for one in (writer, late_writer):
        one.close()
        await one.wait_closed()


def test_a_port_that_is_taken_is_a_fault_that_says_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartFault, match=f"port {port} cannot be taken.*DSR_HTTP_PORT"):
            a_server(port)
