"""Organisations: which there are, and what one of them owes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from dsr_core.registry import Organisation, System
from dsr_intake.http.console.frame import Frame, Visit
from dsr_runtime.http.problems import Problem

__all__ = ["add"]

_SHOWN = 50
_AMONG = 500
"""Open requests, by date, among which those are looked for that wait for an organisation."""


def add(routes: APIRouter, frame: Frame) -> None:
    """Add the pages."""

    async def several(visit: Visit) -> Response:
        registry = visit.looking.registry
        organisations = registry.organisations if registry else ()
        debts = await visit.looking.debts() if visit.who.sight.is_unbounded else {}
        return visit.page(
            "organisations",
            "Organisations",
            organisations=organisations,
            systems={one.id: _systems(visit, one) for one in organisations},
            debts=debts,
        )

    async def one(visit: Visit) -> Response:
        found = _found(visit)
        owing = await visit.looking.owing(visit.who, found.id, limit=_SHOWN, among=_AMONG)
        return visit.page(
            "organisation",
            found.name,
            one=found,
            systems=_systems(visit, found),
            owing=owing,
            among=_AMONG,
        )

    frame.add(routes, "/organisations", several)
    frame.add(routes, "/organisations/{organisation_id}", one)


def _systems(visit: Visit, one: Organisation) -> list[System]:
    registry = visit.looking.registry
    return [each for each in registry.systems if each.organisation_id == one.id] if registry else []


def _found(visit: Visit) -> Organisation:
    registry = visit.looking.registry
    found = (
        registry.organisation(visit.request.path_params["organisation_id"]) if registry else None
    )
    if found is None:
        raise Problem(404, "not_found", "there is no organisation of that id in the registry")
    return found
