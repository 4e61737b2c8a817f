"""Helm and what it renders, once a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.helm import CI, Helm, Rendered, built_helm


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give whichever test comes first the time to build Helm, where it was never built before."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def helm() -> Helm:
    """The pinned Helm."""
    return Helm(built_helm())


@pytest.fixture(scope="session")
def releases(helm: Helm) -> dict[str, Rendered]:
    """The chart with each set of values of ci/."""
    return {name: helm.template(name) for name in CI}
