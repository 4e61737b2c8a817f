"""The whole loop, once a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.collector import Collector, collector
from support.loop import Loop, running_loop
from support.parts import data_folder


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where the loop keeps everything."""
    with data_folder() as made:
        yield made


@pytest.fixture(scope="session")
def collected(folder: Path) -> Iterator[Collector]:
    """What the loop's processes tell a collector of spans; it is kept where all that is written is."""
    with collector(folder / "spans") as running:
        yield running


@pytest.fixture(scope="session")
def loop(folder: Path, collected: Collector) -> Iterator[Loop]:
    """Parts, services and the example systems, with their spans exported."""
    with running_loop(folder, settings=collected.settings) as running:
        yield running
