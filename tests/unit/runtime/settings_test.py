"""Settings: read from the environment once; each fault is one line, without the value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from dsr_runtime.settings import (
    EXIT_CONFIGURATION,
    HttpSettings,
    KafkaSettings,
    LogSettings,
    PostgresSettings,
    TemporalSettings,
    load,
)

SECRET = "secret-value"


class ExampleSettings(LogSettings, HttpSettings, KafkaSettings, PostgresSettings, TemporalSettings):
    """All groups in one, as a service composes them."""


GOOD = {
    "DSR_HTTP_PORT": "8080",
    "DSR_INTERNAL_TOKEN": f"{SECRET}-of-16-characters",
    "DSR_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "DSR_KAFKA_PASSWORD": SECRET,
    "DSR_POSTGRES_DSN": f"postgresql://dsr:{SECRET}@127.0.0.1/dsr",
    "DSR_TEMPORAL_ADDRESS": "127.0.0.1:7233",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.upper().startswith("DSR_")]:
        monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_settings_are_read_from_the_environment() -> None:
    settings = load(ExampleSettings)
    assert settings.http_port == 8080
    assert settings.postgres_dsn.get_secret_value() == GOOD["DSR_POSTGRES_DSN"]
    assert (settings.log_format, settings.temporal_namespace) == ("json", "default")


@pytest.mark.usefixtures("environment")
def test_secrets_are_not_shown() -> None:
    settings = load(ExampleSettings)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert SECRET not in settings.model_dump_json()


@pytest.mark.usefixtures("environment")
def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        load(ExampleSettings).http_port = 1


def test_kafka_s_settings_make_a_connection(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DSR_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    environment.setenv("DSR_KAFKA_USERNAME", "intake")
    environment.setenv("DSR_KAFKA_CA_FILE", "/ca.pem")
    connection = load(ExampleSettings).kafka
    assert (connection.username, connection.password) == ("intake", SECRET)
    assert connection.ca_file == Path("/ca.pem")


def faults(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as left:
        load(ExampleSettings)
    assert left.value.code == EXIT_CONFIGURATION
    shown = capsys.readouterr().err
    assert SECRET not in shown
    return shown.splitlines()


def test_each_fault_is_one_line_that_names_the_variable(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("DSR_POSTGRES_DSN")
    environment.setenv("DSR_HTTP_PORT", f"{SECRET}")
    environment.setenv("DSR_LOG_FORMAT", f"{SECRET}")
    lines = faults(capsys)
    assert len(lines) == 4
    assert {line.split(":")[0] for line in lines[:-1]} == {
        "DSR_POSTGRES_DSN",
        "DSR_HTTP_PORT",
        "DSR_LOG_FORMAT",
    }
    assert "docs/settings.md" in lines[-1]


def test_a_secret_that_is_too_short_is_not_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("DSR_INTERNAL_TOKEN", SECRET)
    assert faults(capsys)[0].startswith("DSR_INTERNAL_TOKEN: ")


@pytest.mark.parametrize("port", ["0", "65536", "-1", ""])
def test_a_port_is_a_port(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    environment.setenv("DSR_HTTP_PORT", port)
    assert faults(capsys)[0].startswith("DSR_HTTP_PORT: ")
