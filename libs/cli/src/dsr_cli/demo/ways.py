"""The other ways that a request can go: one of each that systems alone do not bring about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dsr_cli.api.client import IntakeClient
from dsr_cli.api.internal import InternalApi

__all__ = ["OTHER_WAYS", "Way"]

_LONG_AGO = timedelta(days=100)
"""Longer than any regime waits for the proof of who asks."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way: what is asked, and what is decided then."""

    outcome: str
    """How it ends."""

    asks: Callable[[], Mapping[str, Any]] = dict
    """Gives what is set in the submission, besides what names the person."""

    decide: Callable[[IntakeClient, InternalApi, str], Awaitable[object]] | None = None


async def _withdraw(client: IntakeClient, _operator: InternalApi, request_id: str) -> object:
    return await client.withdraw(request_id)


async def _refuse(_client: IntakeClient, operator: InternalApi, request_id: str) -> object:
    ground = {"ground": "GDPR 12(5)(b)", "reason": "the ninth request of this week"}
    return await asyncio.to_thread(operator.decide, request_id, "refusal", ground)


def _unproven() -> Mapping[str, Any]:
    received_at = datetime.now(UTC) - _LONG_AGO
    return {
        "identity_attested": False,
        "channel": "post",
        "received_at": received_at.isoformat(),
    }


def _of_a_customer() -> Mapping[str, Any]:
    pointer = "https://airline.example.com/privacy"
    return {"controller": {"name": "Example Airline", "pointer": pointer}}


OTHER_WAYS: Sequence[Way] = (
    Way("withdrawn", decide=_withdraw),
    Way("refused", lambda: {"jurisdiction": "DE"}, _refuse),
    Way("referred", _of_a_customer),
    Way("not_verified", _unproven),
)
"""Withdrawn and refused while the systems are at work; a customer's data; and never proven who asked."""
