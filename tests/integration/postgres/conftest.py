"""What the tests of PostgreSQL share."""

from __future__ import annotations

import pytest

from support.parts import make_schemas


@pytest.fixture(scope="module")
async def migrated(database: str) -> str:
    """A database with both services' schemas, made by their owners; its address as the super user."""
    await make_schemas(database)
    return database
