"""Helm and what it renders, once a run."""

from __future__ import annotations

import pytest

from support.helm import CI, Helm, Rendered, built_helm


@pytest.fixture(scope="session")
def helm() -> Helm:
    """The pinned Helm."""
    return Helm(built_helm())


@pytest.fixture(scope="session")
def releases(helm: Helm) -> dict[str, Rendered]:
    """The chart with each set of values of ci/."""
    return {name: helm.template(name) for name in CI}
