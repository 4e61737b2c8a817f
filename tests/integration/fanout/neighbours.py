"""Intake and the verifier as fanout sees them: small real HTTP servers, that a test can take away."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

from dsr_contracts.v1 import notices_pb2

TOKEN = "a token between the services"


@dataclass
class Neighbours:
    """Answers for both of them on one port."""

    open_members: dict[str, int] = field(default_factory=dict)
    """Cohorts, each with how many of its members are open; one that is not here is unknown."""

    missing: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    held: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    given_up: list[str] = field(default_factory=list)
    is_away: bool = False
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each was asked, by what for and by cohort: those of other tests may still run."""

    url: str = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/internal/v1/cohorts/{cohort}/identities:seal", self._seal)
        app.router.add_post("/internal/v1/cohorts/{cohort}/stopping:give-up", self._give_up)
        app.router.add_get("/internal/v1/cohorts/{cohort}", self._standing)
        app.router.add_get("/v1/cohorts/{cohort}/missing", self._missing)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    def _fault(self, request: web.Request, name: str) -> web.Response | None:
        self.calls[name, request.match_info["cohort"]] += 1
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"type": "urn:dsr:problem:unauthorised"}, status=401)
        if self.is_away:
            return web.json_response({"type": "urn:dsr:problem:unavailable"}, status=503)
        return None

    async def _seal(self, request: web.Request) -> web.Response:
        if fault := self._fault(request, "seal"):
            return fault
        asked = notices_pb2.SealRequest.FromString(await request.read())
        response = notices_pb2.SealResponse(
            systems=[
                notices_pb2.SystemNotice(
                    system_id=system_id,
                    identities=[
                        notices_pb2.SealedIdentity(request_id=one, sealed=b"s" * 100)
                        for one in asked.request_ids
                    ],
                    key_id="0123456789abcdef",
                    sealed_key=b"k" * 80,
                )
                for system_id in asked.system_ids
            ]
        )
        return web.Response(body=response.SerializeToString(), content_type="application/protobuf")

    async def _give_up(self, request: web.Request) -> web.Response:
        self.given_up.append(request.match_info["cohort"])
        self.open_members[request.match_info["cohort"]] = 0
        return await self._standing(request)

    async def _standing(self, request: web.Request) -> web.Response:
        if fault := self._fault(request, "progress"):
            return fault
        cohort_id = request.match_info["cohort"]
        if cohort_id not in self.open_members:
            return web.json_response({"type": "urn:dsr:problem:not_found"}, status=404)
        count = self.open_members[cohort_id]
        return web.json_response(
            {"cohort_id": cohort_id, "members": max(count, 1), "open_members": count}
        )

    async def _missing(self, request: web.Request) -> web.Response:
        if fault := self._fault(request, "missing"):
            return fault
        cohort_id = request.match_info["cohort"]
        systems = self.missing.get(cohort_id)
        if systems is None:
            return web.json_response({"type": "urn:dsr:problem:not_found"}, status=404)
        held = self.held.get(cohort_id, {})
        return web.json_response({"cohort_id": cohort_id, "systems": systems, "held": held})
