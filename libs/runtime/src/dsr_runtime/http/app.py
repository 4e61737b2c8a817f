"""Applications: FastAPI with problem documents, probes and metrics, served inside the service's loop."""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from dsr_core import tracing
from dsr_core.errors import Unavailable
from dsr_runtime.health import Health
from dsr_runtime.http import problems, traced
from dsr_runtime.process import StartFault

__all__ = ["HttpServer", "internal_only", "new_app", "starting_app"]

_BACKLOG = 2048
_TURN_S, _HEARD_TURNS = 0.01, 100
"""Whoever has connected when the server ends has a second to say what about."""


def new_app(
    *,
    title: str,
    description: str,
    health: Health,
    metrics: CollectorRegistry,
    openapi_url: str | None = "/openapi.json",
    serves: bool = True,
) -> FastAPI:
    """Return an application with `/livez`, `/servez`, `/readyz`, `/statusz` and `/metrics`.

    Who routes calls asks `/servez`: while a part is away the service answers them itself, with what it
    can still do or a 503 that says when to come again, where nobody routed to would refuse them all.
    """
    app = FastAPI(
        title=title,
        description=description,
        version="1",
        redoc_url=None,
        openapi_url=openapi_url,
        # FastAPI's own spans hold paths and questions as they came, and its logs bodies.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
    )
    problems.install(app)

    @app.get("/livez", summary="The process answers", include_in_schema=False)
    async def livez() -> Response:
        return JSONResponse({"status": "alive"})

    if serves:

        @app.get("/servez", summary="Calls are answered", include_in_schema=False)
        async def servez() -> Response:
            return JSONResponse({"status": "serving"})

    @app.get("/readyz", summary="Every part that is needed is up", include_in_schema=False)
    async def readyz() -> Response:
        faults = await health.faults()
        status = "ready" if not faults else "not ready"
        return JSONResponse(
            {"status": status, "faults": faults}, status_code=503 if faults else 200
        )

    @app.get("/statusz", summary="What it is, and how every part is", include_in_schema=False)
    async def statusz() -> Response:
        return JSONResponse(await health.report())

    @app.get("/metrics", summary="Prometheus metrics", include_in_schema=False)
    async def exposition() -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return app


def starting_app(*, health: Health, metrics: CollectorRegistry) -> FastAPI:
    """Return what a service answers with until its parts are there: the probes, and else 503."""
    app = new_app(
        title="starting",
        description="",
        health=health,
        metrics=metrics,
        openapi_url=None,
        serves=False,
    )
    absent = Unavailable("the service is starting; /readyz names what it waits for")

    def starting(_request: Request, _error: Exception) -> Response:
        return problems.problem_response(problems.from_error(absent))

    app.add_exception_handler(HTTPException, starting)  # no path but the probes' is known
    return app


def internal_only(token: str) -> Callable[[Request], None]:
    """Return a dependency that lets only the group's own services in."""
    expected = f"Bearer {token}".encode()

    def check(request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, expected):
            raise problems.Problem(401, "unauthorised", "this call is for the services themselves")

    return check


class HttpServer:
    """Serves an application in the running loop; `stop` lets open answers finish."""

    def __init__(self, app: FastAPI, *, host: str, port: int) -> None:
        """Take the port; a StartFault says that another process has it."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise StartFault(
                f"port {port} cannot be taken ({error.strerror}); set DSR_HTTP_PORT to another"
            ) from error
        self._app = app
        self._server = _Server(
            uvicorn.Config(
                self._answer,
                access_log=False,
                interface="asgi3",
                log_config=None,
                loop="none",
                lifespan="off",
                # Who calls is who connects: a header that anybody can set names nobody.
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=10,
                backlog=_BACKLOG,
            )
        )

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def serve(self, app: FastAPI) -> None:
        """Let another application answer from now on."""
        self._app = app

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if tracing.is_on():
            await traced.answer(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def stop(self) -> None:
        """Ask the server to take no more connections and to end."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the process handles signals, for all that it runs."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in any more, and hear out who is in; then end.

        Uvicorn alone breaks off whoever has connected and was not read yet.
        """
        waiting = [one for listening in sockets or [] for one in _waiting(listening)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for one in waiting:
            await loop.connect_accepted_socket(self._connection, one)
        for _ in range(_HEARD_TURNS):
            await asyncio.sleep(_TURN_S)  # what has come on connections that are kept is read too
            if not self._has_unheard():
                break
        await super().shutdown(sockets)

    def _connection(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]  # the class is whichever of uvicorn's fits
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    def _has_unheard(self) -> bool:
        return any(getattr(one, "cycle", ...) is None for one in self.server_state.connections)


def _waiting(listening: socket.socket) -> Iterator[socket.socket]:
    """Yield the connections that the kernel has made and nobody has taken."""
    listening.settimeout(0)
    with suppress(OSError):  # there is none any more
        for _ in range(_BACKLOG):
            yield listening.accept()[0]
