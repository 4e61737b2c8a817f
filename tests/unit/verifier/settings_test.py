"""Settings, and the limits that are made from them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dsr_runtime.loading import load
from dsr_verifier.settings import VerifierSettings

ENVIRONMENT = {
    "DSR_KAFKA_BOOTSTRAP": "kafka.test:9092",
    "DSR_POSTGRES_DSN": "postgresql://verifier@postgres.test/verifier",
    "DSR_HTTP_PORT": "8080",
    "DSR_LOG_KEY_FILE": "/run/secrets/log-key",
    "DSR_LOG_ORIGIN": "log.example.test",
    "DSR_INTERNAL_TOKEN": "a token for the tests alone",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_the_standard_settings() -> None:
    settings = load(VerifierSettings)
    assert settings.verifier_group_id == "dsr.verifier"
    assert settings.limits.parked_for == timedelta(hours=24)
    assert settings.limits.registry_wait_s == 30
    assert settings.limits.parked_per_system == 100_000


def test_a_group_that_the_access_rights_do_not_cover(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DSR_VERIFIER_GROUP_ID", "another")
    with pytest.raises(SystemExit):
        load(VerifierSettings)
    assert "DSR_VERIFIER_GROUP_ID" in capsys.readouterr().err
