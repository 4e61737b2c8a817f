"""Stacks of their own for these tests, on free ports and in folders that go away."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dsr_cli.stack import Stack, StackSettings, ports
from dsr_cli.stack.settings import find_checkout

# Below the ports that the system gives to outgoing connections.
_BASES = range(20000, 32000, 100)
_OFFSETS = (0, 1, 2, 10, 11, 20, 21, 22, 30, 40)


def _free_port_base() -> int:
    bases = random.sample(_BASES, len(_BASES))
    return next(
        base for base in bases if all(ports.is_free("127.0.0.1", base + o) for o in _OFFSETS)
    )


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    """The cache of this machine: what is fetched is never what is tested."""
    return StackSettings.from_environment(find_checkout()).cache_dir


@pytest.fixture(scope="session")
def new_settings(cache_dir: Path) -> Callable[[Path], StackSettings]:
    """Make settings for a stack on a folder."""

    def make(folder: Path) -> StackSettings:
        return StackSettings(
            checkout=find_checkout(),
            port_base=_free_port_base(),
            data_dir=folder,
            cache_dir=cache_dir,
        )

    return make


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for a stack's data, which need not exist."""
    with _data_dir() as folder:
        yield folder


@contextmanager
def _data_dir() -> Iterator[Path]:
    # Not pytest's own: each run of pytest closes the folder above all of them to other accounts,
    # and PostgreSQL, started by root, is one.
    with tempfile.TemporaryDirectory(prefix="dsr-") as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="module")
def stack(new_settings: Callable[[Path], StackSettings]) -> Iterator[Stack]:
    """An attached stack whose parts are killed and restarted; each test leaves it up."""
    with _data_dir() as folder, Stack(new_settings(folder), attached=True) as stack:
        yield stack
