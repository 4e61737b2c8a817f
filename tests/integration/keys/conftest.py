"""Key services that run here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.key_services import LocalKms, VaultDouble, built_kms, running_vault


@pytest.fixture(scope="session")
def kms_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_kms(tmp_path_factory.mktemp("kms-program"))


@pytest.fixture
async def kms(kms_program: Path, tmp_path: Path) -> AsyncIterator[LocalKms]:
    one = LocalKms(kms_program, tmp_path)
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def vault() -> AsyncIterator[VaultDouble]:
    async with running_vault() as one:
        yield one
