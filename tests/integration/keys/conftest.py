"""Key services that run here, and replicas of intake beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dsr_cli.stack import Stack
from dsr_runtime.kafka import KafkaConnection
from support.intake_group import Groups
from support.key_services import LocalKms, VaultDouble, built_kms, running_vault
from support.parts import fresh_database


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


@pytest.fixture
async def groups(stack: Stack, kafka: KafkaConnection, tmp_path: Path) -> AsyncIterator[Groups]:
    with fresh_database(stack) as dsn:
        one = Groups(stack, kafka, dsn, tmp_path)
        yield one
        await one.aclose()
