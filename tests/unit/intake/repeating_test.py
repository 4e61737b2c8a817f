"""What is done now and then outlives the absence of whatever part it needs."""

from __future__ import annotations

import asyncpg
import pytest
from aiokafka.errors import LeaderNotAvailableError
from structlog.testing import capture_logs

from dsr_core.errors import Unavailable
from dsr_intake.repeating import tried


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("away"),
        LeaderNotAvailableError(),
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.CannotConnectNowError(),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_an_absent_part_is_logged_and_ends_nothing(fault: Exception) -> None:
    async def work() -> None:
        raise fault

    with capture_logs() as logs:
        await tried(work, else_say="it is done later")
    assert [(one["event"], one["error"]) for one in logs] == [
        ("it is done later", type(fault).__name__)
    ]


async def test_a_mistake_of_ours_is_not_passed_over() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await tried(work, else_say="it is done later")
