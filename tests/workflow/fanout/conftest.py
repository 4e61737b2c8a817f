"""Temporal's two servers, as wheels bring them; nothing is fetched."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from dsr_fanout.adapters.temporal import add_search_attributes, ensure_search_attributes
from dsr_fanout.orders import SEARCH_ATTRIBUTES


def _binary(name: str) -> str:
    """Return a program that lies beside the running Python, or on the path."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="session")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server on which months pass while nobody works."""
    path = _binary("temporal-test-server")
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=path
    ) as environment:
        # This server lists none, so that they are added without looking.
        kinds = {key.name: int(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}
        await add_search_attributes(environment.client, kinds)
        yield environment


@pytest.fixture(scope="session")
async def development() -> AsyncIterator[WorkflowEnvironment]:
    """The development server, without search attributes: fanout registers them."""
    path = _binary("temporal")
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=path,
        # Temporal suggests it at 4,096 events; a test must not have to make so many.
        dev_server_extra_args=[
            "--dynamic-config-value",
            "limit.historyCount.suggestContinueAsNew=40",
        ],
    ) as environment:
        await ensure_search_attributes(environment.client)
        yield environment
