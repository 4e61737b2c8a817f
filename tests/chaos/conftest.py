"""The whole loop, once a run, for what is done to it here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from chaos.crashes import Aftermath, Crashing

from support.crash_points import POINTS
from support.loop import Loop, running_loop
from support.parts import data_folder
from support.prometheus import Prometheus, quick_rules, watching


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """Parts, services and the example systems."""
    with data_folder() as folder, running_loop(folder) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def prometheus(loop: Loop) -> AsyncIterator[Prometheus]:
    """A Prometheus that needs seconds where the checkout's rules wait for hours."""
    rules = loop.stack.settings.data_dir / "quick-rules.yaml"
    rules.write_text(quick_rules())
    await loop.answered(await loop.submit())
    async with watching(loop, rules=rules) as one:
        # What is counted from nothing is seen to grow only by who has seen nothing before.
        for name in ("intake", "fanout", "verifier"):
            await one.shows(f"dsr_{name}_group_rebalances")
        yield one


@pytest.fixture(scope="session")
def aftermath(loop: Loop) -> Aftermath:
    """What is true of requests afterwards."""
    return Aftermath(loop)


@pytest.fixture(scope="session")
def variants(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Crashing:
    """The processes that can be made to crash."""
    return Crashing(loop, tmp_path_factory.mktemp("crash"))


@pytest_asyncio.fixture(scope="module")
async def crashing(variants: Crashing) -> AsyncIterator[Crashing]:
    """The processes that crash in place of the originals, for the whole module."""
    async with variants.in_place_of(one for point in POINTS for one in point.victims):
        yield variants
