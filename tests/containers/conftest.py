"""The loop in containers, once a run, where a container engine answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.composed import engine_answers
from support.container_loop import ContainerLoop, running_containers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give containers the time to start and to end."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(600))


@pytest_asyncio.fixture(scope="session")
async def loop() -> AsyncIterator[ContainerLoop]:
    """Everything that compose.yaml has, with the images of this checkout."""
    if not engine_answers():
        pytest.skip("no container engine answers here")
    with running_containers() as running:
        await running.begin()
        yield running
        await running.aclose()
