"""The application that says how fanout is."""

from __future__ import annotations

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from dsr_runtime.health import Health
from dsr_runtime.http.app import new_app

__all__ = ["fanout_app"]


def fanout_app(*, health: Health, metrics: CollectorRegistry) -> FastAPI:
    """Return the application: `/livez`, `/readyz` and `/metrics`."""
    return new_app(
        title="dsr fanout",
        description="Orchestrates cohorts. Health and metrics only.",
        health=health,
        metrics=metrics,
    )
