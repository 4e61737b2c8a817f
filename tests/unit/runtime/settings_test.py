"""Settings: read from the environment once; each fault is one line, without the value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from dsr_runtime.loading import EXIT_CONFIGURATION, load
from dsr_runtime.settings import (
    HttpSettings,
    KafkaSettings,
    LogSettings,
    PostgresSettings,
    TemporalSettings,
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


def faults(
    capsys: pytest.CaptureFixture[str], kind: type[LogSettings] = ExampleSettings
) -> list[str]:
    with pytest.raises(SystemExit) as left:
        load(kind)
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


def test_a_variable_that_nobody_reads_stops_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("DSR_VERIFIER_GROUP_IDD", SECRET)
    environment.setenv("DSR_XYZZY", SECRET)
    assert faults(capsys)[:-1] == [
        "DSR_VERIFIER_GROUP_IDD is not a setting; did you mean DSR_VERIFIER_GROUP_ID?",
        "DSR_XYZZY is not a setting; docs/settings.md has all that are",
    ]


@pytest.mark.parametrize("name", ["DSR_CACHED_WORKFLOWS", "DSR_OUTCOMES_FILE", "DSR_PORT_BASE"])
def test_what_others_read_does_not_stop_it(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "whatever")
    assert load(ExampleSettings).http_port == 8080


def test_a_table_that_is_no_json_is_one_fault_among_the_others(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class WithTable(LogSettings):
        limits: dict[str, int] = Field(default={})

    environment.setenv("DSR_LIMITS", f"{{{SECRET}")
    environment.setenv("DSR_LOG_LEVEL", "loud")
    lines = faults(capsys, WithTable)
    assert {line.split(":")[0] for line in lines[:2]} == {"DSR_LIMITS", "DSR_LOG_LEVEL"}


class TestAFile:
    """What `DSR_SETTINGS_FILE` names is read beneath the environment."""

    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path, environment: pytest.MonkeyPatch) -> Path:
        file = tmp_path / "settings.toml"
        environment.setenv("DSR_SETTINGS_FILE", str(file))
        return file

    def test_the_environment_goes_before_it(
        self, file: Path, environment: pytest.MonkeyPatch
    ) -> None:
        file.write_text('http_port = 9090\nlog_level = "error"\nkafka_ca_file = "/ca.pem"\n')
        settings = load(ExampleSettings)
        assert (settings.http_port, settings.log_level) == (8080, "error")
        assert settings.kafka_ca_file == Path("/ca.pem")
        environment.delenv("DSR_HTTP_PORT")
        assert load(ExampleSettings).http_port == 9090

    def test_what_other_services_read_may_be_in_it(self, file: Path) -> None:
        file.write_text('cached_workflows = 5\n[breaker_limits]\n"*" = 5\n')
        assert load(ExampleSettings).http_port == 8080

    def test_each_fault_is_one_line_with_file_and_key(
        self, file: Path, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        environment.delenv("DSR_KAFKA_PASSWORD")
        environment.delenv("DSR_TEMPORAL_ADDRESS")
        file.write_text(
            f'kafka_password = 5\nlog_level = "{SECRET}"\nDSR_HTTP_PORT = 1\nport_base = 17000\n'
        )
        lines = faults(capsys)
        assert {line.rpartition(": ")[0] for line in lines[:3]} == {
            f"{file}: log_level",
            f"{file}: kafka_password",
            "DSR_TEMPORAL_ADDRESS",
        }
        assert lines[3:5] == [
            f"{file}: DSR_HTTP_PORT is not a setting; did you mean http_port?",
            f"{file}: port_base is not a setting; docs/settings.md has all that are",
        ]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (None, "cannot be read (No such file or directory)"),
            (b"\xff", "is not UTF-8"),
            (f"a = '{SECRET}".encode(), "is not TOML ("),
        ],
    )
    def test_one_that_is_none_stops_the_start(
        self, file: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, reason: str
    ) -> None:
        if content is not None:
            file.write_bytes(content)
        line, _ = faults(capsys)
        assert line.startswith(f"DSR_SETTINGS_FILE: {file} {reason}")
