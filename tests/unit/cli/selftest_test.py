"""`dsr selftest` is patient with an installation that is still starting, and with nothing else."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dsr_cli.api.client import ApiError, IntakeClient
from dsr_cli.commands import selftest


class Starting:
    """A client of an intake that says several things before it accepts."""

    def __init__(self, *faults: ApiError) -> None:
        self.faults = list(faults)
        self.keys: set[str] = set()

    async def submit(self, body: dict[str, Any], *, idempotency_key: str) -> dict[str, Any]:
        """Accept, once every fault was said."""
        self.keys.add(idempotency_key)
        if self.faults:
            raise self.faults.pop(0)
        return body


async def submitted(client: Starting) -> dict[str, Any]:
    return await selftest._submitted(cast("IntakeClient", client), {"right": "deletion"})


async def test_it_submits_the_same_request_until_intake_is_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    starting = ApiError("503 the service is starting", status=503)
    client = Starting(ApiError("cannot be reached"), starting, starting)
    assert await submitted(client) == {"right": "deletion"}
    assert len(client.keys) == 1
    said = capsys.readouterr().out.splitlines()
    assert said == ["cannot be reached", "503 the service is starting"]


async def test_what_will_not_pass_is_said_at_once() -> None:
    client = Starting(ApiError("401 no such key", status=401))
    with pytest.raises(ApiError, match="no such key"):
        await submitted(client)
