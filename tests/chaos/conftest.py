"""The whole loop, once a run, for what is done to it here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chaos.crashes import Aftermath

from support.loop import Loop, running_loop


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """Parts, services and the example systems."""
    with running_loop(tmp_path_factory.mktemp("chaos")) as running:
        yield running


@pytest.fixture(scope="session")
def aftermath(loop: Loop) -> Aftermath:
    """What is true of requests afterwards."""
    return Aftermath(loop)
