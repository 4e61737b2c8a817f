"""Which databases `dsr reconcile` compares: what is given, or the local stack's, and never some of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsr_cli.connection import POSTGRES_DSNS, postgres_dsns
from dsr_cli.errors import CommandError
from dsr_cli.stack import StackSettings

INTAKE, VERIFIER = POSTGRES_DSNS["intake"], POSTGRES_DSNS["verifier"]
GIVEN = "postgresql://there/dsr"


@pytest.fixture(autouse=True)
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local stack that has been started here, and nothing given."""
    for name in (INTAKE, VERIFIER, "DSR_POSTGRES_DSN", "DSR_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "secrets").mkdir()
    monkeypatch.setattr(StackSettings, "secrets_dir", tmp_path / "secrets")


def test_where_nothing_is_given_they_are_the_local_stack_s() -> None:
    found = postgres_dsns()
    assert found.keys() == POSTGRES_DSNS.keys()
    assert "127.0.0.1" in found["intake"]
    assert len(set(found.values())) == 1


def test_one_for_all_and_one_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_POSTGRES_DSN", GIVEN)
    assert set(postgres_dsns().values()) == {GIVEN}
    monkeypatch.setenv(VERIFIER, GIVEN + "2")
    assert postgres_dsns() == {"intake": GIVEN, "verifier": GIVEN + "2"}


@pytest.mark.parametrize(
    ("given", "missing"),
    [({INTAKE: GIVEN}, VERIFIER), ({"DSR_KAFKA_BOOTSTRAP": "there:9093"}, INTAKE)],
)
def test_the_local_stack_is_not_mixed_with_what_is_given(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=missing):
        postgres_dsns()
