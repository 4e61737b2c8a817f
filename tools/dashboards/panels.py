"""Panels, as Grafana reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Dashboard", "Panel", "Query", "Row", "rendered"]

_WIDTH = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Query:
    """What is asked of Prometheus, and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One picture."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: str = "timeseries"
    says: str = ""
    may_be_empty: bool = False
    """Whether it shows nothing where nothing has gone wrong."""


@dataclass(frozen=True)
class Row:
    """Panels side by side."""

    panels: tuple[Panel, ...]
    height: int = 8


@dataclass(frozen=True)
class Dashboard:
    """One page."""

    uid: str
    title: str
    says: str
    rows: tuple[Row, ...]
    variables: tuple[tuple[str, str], ...] = ()
    """Names, each with the query of its values."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels."""
        return tuple(panel for row in self.rows for panel in row.panels)


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    """Return a dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for row in dashboard.rows:
        width = _WIDTH // len(row.panels)
        for place, panel in enumerate(row.panels):
            at = {"x": place * width, "y": top, "w": width, "h": row.height}
            panels.append(_panel(panel, number=len(panels) + 1, at=at))
        top += row.height
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.says,
        "tags": ["dsr"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), *(_variable(*one) for one in dashboard.variables)]},
        "panels": panels,
    }


def _panel(panel: Panel, *, number: int, at: dict[str, int]) -> dict[str, Any]:
    instant = panel.kind != "timeseries"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": _SOURCE,
        "gridPos": at,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": {"legend": {"displayMode": "table", "placement": "right"}}
        if not instant
        else {},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "instant": instant,
                "range": not instant,
            }
            for place, query in enumerate(panel.queries)
        ],
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    none = {"noValue": "none"} if panel.may_be_empty else {}
    return {"unit": panel.unit, "min": 0, **none}


def _source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
    }
