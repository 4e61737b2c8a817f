"""The doors: who calls, and whether they may. Each route declares the one scope that it needs."""

from __future__ import annotations

import hmac
import math
from typing import Any

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from dsr_intake.application.clients import ApiClients
from dsr_intake.application.limiting import Lease, Limiter, TooMany
from dsr_intake.model.audit import act_as
from dsr_intake.model.principals import ALLOWED, Authentication, Principal, PrincipalKind
from dsr_intake.model.principals import Scope as Permission
from dsr_intake.ports import Tokens
from dsr_runtime.http.problems import Problem

__all__ = ["Doors", "Leases", "Needs", "caller", "lease", "require_everywhere"]

_SCHEME = "bearer "
_PRINCIPAL, _LEASE = "dsr.principal", "dsr.lease"

_SERVICE = Principal(
    id="service",
    kind=PrincipalKind.SERVICE,
    scopes=ALLOWED[PrincipalKind.SERVICE],
    authentication=Authentication.INTERNAL_TOKEN,
)


class Doors:
    """Finds out who calls, by key or by token, and lets in whom it may."""

    def __init__(
        self, *, clients: ApiClients, tokens: Tokens | None, internal_token: str, limiter: Limiter
    ) -> None:
        self._clients = clients
        self._tokens = tokens
        self._internal_token = internal_token.encode()
        self._limiter = limiter

    def needs(self, permission: Permission) -> Any:
        """Return a route's dependency that lets in who has a scope; `caller` then says who it is."""
        return Depends(Needs(self, permission))

    async def enter(self, request: Request, permission: Permission) -> Principal:
        """Let a call in; it is counted until the answer is out.

        Raises:
            Problem: Nobody is known by what was sent (401; what of it is wrong is not said), they call
                too much (429), or lack the scope, which is named (403).
            Unavailable: Who it is cannot be found out now.
        """
        who: Principal | None = request.scope.get(_PRINCIPAL)
        if who is None:
            who = await self._known(request)
            self.admit(request, who)
        return self._permitted(who, permission)

    def admit(self, request: Request, who: Principal) -> None:
        """Take it as known who calls; they are counted until the answer is out.

        Raises:
            Problem: They call too much (429).
        """
        request.scope[_PRINCIPAL] = who
        request.scope[_LEASE] = self._counted(who)

    @staticmethod
    def _permitted(who: Principal, permission: Permission) -> Principal:
        if permission not in who.scopes:
            said = f'Bearer error="insufficient_scope", scope="{permission}"'
            detail = f"this needs the scope {permission}"
            raise Problem(403, "scope_missing", detail, headers={"WWW-Authenticate": said})
        act_as(who)
        return who

    def _counted(self, who: Principal) -> Lease | None:
        if who.kind is PrincipalKind.SERVICE:
            return None
        try:
            return self._limiter.enter(who)
        except TooMany as fault:
            headers = {"Retry-After": str(max(1, math.ceil(fault.retry_after_s)))}
            raise Problem(429, "too_many_calls", str(fault), headers=headers) from None

    async def _known(self, request: Request) -> Principal:
        given = request.headers.get("authorization", "")
        if given[: len(_SCHEME)].lower() == _SCHEME:
            found = await self._principal(given[len(_SCHEME) :].strip())
            if found is not None:
                return found
        raise Problem(
            401,
            "unauthorised",
            "send an API key or a token that is valid: Authorization: Bearer dsr_…",
            headers={"WWW-Authenticate": 'Bearer realm="dsr"'},
        )

    async def _principal(self, given: str) -> Principal | None:
        if hmac.compare_digest(given.encode(), self._internal_token):
            return _SERVICE
        if self._tokens is not None and given.count(".") == 2:
            return await self._tokens.principal_of(given)
        return await self._clients.principal_of(given)


class Needs:
    """One route's demand: found again where the routes are walked."""

    def __init__(self, doors: Doors, permission: Permission) -> None:
        self._doors = doors
        self.permission = permission

    async def __call__(self, request: Request) -> None:
        """Let the call in, or raise the problem that it is."""
        await self._doors.enter(request, self.permission)


def caller(request: Request) -> Principal:
    """Return who calls; the route has declared what it needs."""
    who: Principal = request.scope[_PRINCIPAL]
    return who


def require_everywhere(request: Request) -> None:
    """Return where the caller sees every jurisdiction.

    Raises:
        Problem: They see some alone.
    """
    if not caller(request).sight.is_unbounded:
        detail = "this takes somebody who sees every jurisdiction"
        raise Problem(403, "jurisdiction_missing", detail)


def lease(request: Request) -> Lease | None:
    """Return what the call is counted by; none for the services, which are not counted."""
    found: Lease | None = request.scope.get(_LEASE)
    return found


class Leases:
    """Middleware that ends what a call is counted by, once its answer is out or broken off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the call."""
        try:
            await self._app(scope, receive, send)
        finally:
            held: Lease | None = scope.get(_LEASE)
            if held is not None:
                held.release()
