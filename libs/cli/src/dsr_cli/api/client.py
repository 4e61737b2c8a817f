"""A client of intake's public API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from dsr_cli.api.paths import part
from dsr_cli.errors import CommandError
from dsr_runtime.backoff import Backoff

__all__ = ["OPENED", "RESET", "ApiError", "Event", "IntakeClient"]

OPENED = "open"
"""The kind of an event of our own: the stream is open, and what happens from here on is told."""

RESET = "reset"
"""The kind of the event that says that something was missed and is not told."""

_TIMEOUT = httpx.Timeout(30.0, read=120.0)
_RECONNECT_S = 1.0
_PASSING = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class ApiError(CommandError):
    """Intake answered with a problem, or could not be reached; the text is one line for a person."""

    def __init__(self, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed later: intake is away, or says so."""
        return self.status is None or self.status in _PASSING


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    id: str
    kind: str
    data: dict[str, Any]

    @property
    def ends(self) -> bool:
        """Whether nothing more will be told of its request."""
        return self.data.get("state") == "answered"


@dataclass(slots=True)
class _Place:
    """Where in a stream a client is."""

    id: str = ""
    is_open: bool = False


class IntakeClient:
    """Calls intake as one API client; use it as an asynchronous context manager."""

    def __init__(self, url: str, api_key: str, *, reconnect_s: float = _RECONNECT_S) -> None:
        self._url = url
        self._reconnect_s = reconnect_s
        self._http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {api_key}"}, timeout=_TIMEOUT
        )

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def submit(
        self, body: dict[str, Any], *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Submit one subject request and return what intake accepted."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self._json("POST", "/v1/subject-requests", json=body, headers=headers)

    async def submit_batch(
        self, lines: Iterable[dict[str, Any] | str]
    ) -> AsyncIterator[dict[str, Any]]:
        """Submit many as one stream of lines, and yield the result of each line in order.

        A line is a request's body with its `idempotency_key`, or that as JSON. After an interruption
        the same lines again change nothing: those that were accepted keep their ids.
        """

        async def content() -> AsyncIterator[bytes]:
            block: list[str] = []
            for line in lines:
                block.append(line if isinstance(line, str) else json.dumps(line))
                if len(block) == 500:
                    yield ("\n".join(block) + "\n").encode()
                    block = []
            yield ("\n".join(block) + "\n").encode() if block else b""

        request = self._http.build_request(
            "POST",
            "/v1/subject-requests:batch",
            content=content(),
            headers={"Content-Type": "application/x-ndjson"},
        )
        response = await self._send(request, stream=True)
        try:
            async for line in self._lines(response):
                if line:
                    yield json.loads(line)
        finally:
            await response.aclose()

    async def withdraw(self, request_id: str, *, reason: str | None = None) -> dict[str, Any]:
        """Take a subject request back; return it as it stands then."""
        body = {"reason": reason} if reason else {}
        return await self._json("POST", f"{_of(request_id)}/withdrawal", json=body)

    async def show(self, request_id: str) -> dict[str, Any]:
        """Return one subject request."""
        return await self._json("GET", _of(request_id))

    async def obligations(self, request_id: str) -> dict[str, Any]:
        """Return what each system owes and has answered."""
        return await self._json("GET", f"{_of(request_id)}/obligations")

    async def certificate(self, request_id: str) -> bytes:
        """Return the certificate of a closed request, in the bytes that are checked."""
        return await self._bytes(f"{_of(request_id)}/certificate")

    async def evidence_keys(self) -> bytes:
        """Return the published keys, in the bytes that are checked."""
        return await self._bytes("/v1/evidence-keys")

    async def package_keys(self) -> bytes:
        """Return the published keys that manifests of packages are signed under."""
        return await self._bytes("/v1/package-keys")

    async def timeline(self, request_id: str) -> dict[str, Any]:
        """Return the legal dates, each with its rule and the arithmetic."""
        return await self._json("GET", f"{_of(request_id)}/timeline")

    async def blockers(self, request_id: str) -> dict[str, Any]:
        """Return what keeps a request open."""
        return await self._json("GET", f"{_of(request_id)}/blockers")

    async def follow_ups(self, request_id: str) -> dict[str, Any]:
        """Return what follows a closed request."""
        return await self._json("GET", f"{_of(request_id)}/follow-ups")

    async def letters(self, request_id: str) -> dict[str, Any]:
        """Return how the letters to the requester stand."""
        return await self._json("GET", f"{_of(request_id)}/letters")

    async def closure(self, request_id: str) -> dict[str, Any] | None:
        """Return the closure, or none while the request is open."""
        try:
            return await self._json("GET", f"{_of(request_id)}/closure")
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def list(self, **filters: str | int) -> dict[str, Any]:
        """Return a page of the client's subject requests, newest first."""
        return await self._json("GET", "/v1/subject-requests", params=filters)

    async def set_webhook(self, url: str) -> dict[str, Any]:
        """Have this client told at a URL; return the webhook with its secret."""
        return await self._json("PUT", "/v1/webhook", json={"url": url})

    async def webhook(self) -> dict[str, Any]:
        """Return where this client is told."""
        return await self._json("GET", "/v1/webhook")

    async def rotate_webhook(self) -> dict[str, Any]:
        """Have another secret; return the webhook with it."""
        return await self._json("POST", "/v1/webhook/secret:rotate")

    async def replay_webhook(self, since: str) -> dict[str, Any]:
        """Be told again of what has changed since a time."""
        return await self._json("POST", "/v1/webhook:replay", json={"since": since})

    async def remove_webhook(self) -> None:
        """Be told nothing more."""
        await self._send(self._http.build_request("DELETE", "/v1/webhook"))

    async def events(self, request_id: str | None = None) -> AsyncGenerator[Event, None]:
        """Yield what happens to one request until it is answered, or to all of this client's.

        A stream that breaks off is opened again, for as long as it takes, and goes on where it was.
        Where there is no such place, an event of the kind `OPENED` comes first.

        Raises:
            ApiError: Intake refuses, or cannot be reached in the first place.
        """
        path = f"{_of(request_id)}/events" if request_id else "/v1/events"
        place, was_open = _Place(), False
        backoff = Backoff(self._reconnect_s)
        while True:
            place.is_open = False
            try:
                async with aclosing(self._events_from(path, place)) as events:
                    async for event in events:
                        yield event
                        if request_id and event.ends:
                            return
                        if request_id and event.kind == RESET:
                            # Opened anew, it begins with how the request stands.
                            place.id = ""
                            break
            except ApiError as error:
                if not (was_open or place.is_open) or not error.is_passing:
                    raise
            else:
                if not place.is_open:
                    return
            if place.is_open:
                was_open, backoff = True, Backoff(self._reconnect_s)
            await backoff.wait()

    async def _events_from(self, path: str, place: _Place) -> AsyncGenerator[Event, None]:
        """Yield what one stream tells until it breaks off; nothing where all has been told."""
        headers = {"Accept": "text/event-stream"}
        if place.id:
            headers["Last-Event-ID"] = place.id
        request = self._http.build_request("GET", path, headers=headers)
        response = await self._send(request, stream=True)
        fields: dict[str, str] = {}
        try:
            if response.status_code == HTTPStatus.NO_CONTENT:
                return
            place.is_open = True
            if not place.id:
                yield Event("", OPENED, {})
            async for line in self._lines(response):
                if line:
                    name, _, text = line.partition(":")  # a comment has no name
                    fields[name] = text.removeprefix(" ")
                    continue
                # An id counts without data too: it says from where to go on.
                place.id = fields.get("id", place.id)
                if "data" in fields:
                    kind = fields.get("event", "message")
                    yield Event(fields.get("id", ""), kind, json.loads(fields["data"]))
                fields = {}
        finally:
            await response.aclose()

    async def _json(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        response = await self._send(self._http.build_request(method, path, **arguments))
        answer: dict[str, Any] = response.json()
        return answer

    async def _bytes(self, path: str) -> bytes:
        response = await self._send(self._http.build_request("GET", path))
        return response.content

    async def _lines(self, response: httpx.Response) -> AsyncIterator[str]:
        try:
            async for line in response.aiter_lines():
                yield line
        except httpx.HTTPError as error:
            raise self._out_of_reach(error) from error

    def _out_of_reach(self, error: httpx.HTTPError) -> ApiError:
        return ApiError(
            f"intake at {self._url} cannot be reached ({type(error).__name__}); "
            "is it running? `dsr stack status` says"
        )

    async def _send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        try:
            response = await self._http.send(request, stream=stream)
        except httpx.HTTPError as error:
            raise self._out_of_reach(error) from error
        if response.is_error:
            await response.aread()
            raise ApiError(_said(response), status=response.status_code)
        return response


def _of(request_id: str) -> str:
    return f"/v1/subject-requests/{part(request_id)}"


def _said(response: httpx.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return f"intake answered {response.status_code}"
    where = "; ".join(
        f"{error.get('pointer', '')}: {error.get('detail', '')}"
        for error in problem.get("errors", ())
    )
    detail = problem.get("detail") or problem.get("title") or ""
    return f"{response.status_code} {detail}" + (f" ({where})" if where else "")
