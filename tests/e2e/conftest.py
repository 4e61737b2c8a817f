"""The whole loop, once a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.loop import Loop, running_loop
from support.parts import data_folder


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """Parts, services and the example systems."""
    with data_folder() as folder, running_loop(folder) as running:
        yield running
