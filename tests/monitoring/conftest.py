"""Prometheus' own programs: the machine's, or Debian's, fetched once into the cache."""

from __future__ import annotations

import pytest

from dsr_cli.stack import StackError, StackSettings
from dsr_cli.stack.prometheus import Programs, fetch
from support.parts import ROOT


@pytest.fixture(scope="session")
def prometheus() -> Programs:
    """Prometheus and promtool; a machine that can have neither skips, which CI counts as a failure."""
    try:
        return fetch(StackSettings.from_environment(ROOT).cache_dir)
    except StackError as fault:
        pytest.skip(str(fault))
