"""`dsr config check`: everything that is wrong is said, a line a fault, and no value is shown."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dsr_cli import settings_check
from dsr_cli.main import new_app
from dsr_wire.log.notes import NoteSigner
from support.sources import ROOT

SECRET = "secret-value-of-some-length"


def lines(folder: Path, **changes: str) -> list[str]:
    """Return an environment file that all three services would start with."""
    key = folder / "key"
    key.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    log_key = folder / "log-key"
    log_key.write_text(NoteSigner.generate("dsr.test/log").text())
    found = {
        "DSR_HTTP_PORT": "8080",
        "DSR_INTERNAL_TOKEN": SECRET,
        "DSR_KAFKA_BOOTSTRAP": "kafka:9093",
        "DSR_KAFKA_PASSWORD": SECRET,
        "DSR_POSTGRES_DSN": f"postgresql://dsr:{SECRET}@postgres/dsr",
        "DSR_TEMPORAL_ADDRESS": "temporal:7233",
        "DSR_INTAKE_URL": "http://intake:8080",
        "DSR_VERIFIER_URL": "http://verifier:8080",
        "DSR_KEY_ENCRYPTION_KEY_FILE": str(key),
        "DSR_LOOKUP_KEY_FILE": str(key),
        "DSR_LOG_KEY_FILE": str(log_key),
        "DSR_LOG_ORIGIN": "dsr.test/log",
        **changes,
    }
    return [f"{name}={value}" for name, value in found.items() if value]


def checked(folder: Path, *more: str, **changes: str) -> tuple[int, str]:
    file = folder / "settings.env"
    file.write_text("# what every service is told\n\n" + "\n".join(lines(folder, **changes)))
    arguments = [
        "config", "check", "--file", str(file),
        "--registry", str(ROOT / "registry"), "--rules", str(ROOT / "rules"), *more,
    ]  # fmt: skip
    done = CliRunner().invoke(new_app(arguments), arguments)
    return done.exit_code, done.output


def test_what_is_right_has_no_faults(tmp_path: Path) -> None:
    code, shown = checked(tmp_path)
    assert (code, shown.count("no faults")) == (0, 6), shown


@pytest.mark.parametrize(
    ("service", "variable", "content"),
    [
        ("intake", "DSR_LOOKUP_KEY_FILE", "no base64, and not 32 bytes"),
        ("fanout", "DSR_TEMPORAL_PAYLOAD_KEY_FILE", "no base64, and not 32 bytes"),
        ("verifier", "DSR_LOG_KEY_FILE", "no key"),
    ],
)
def test_what_the_settings_name_is_looked_at(
    tmp_path: Path, service: str, variable: str, content: str
) -> None:
    file = tmp_path / "wrong"
    file.write_text(content)
    code, shown = checked(tmp_path, service, **{variable: str(file)})
    assert code == 1
    assert f"{service}: {variable}: " in shown
    assert content not in shown


def test_every_fault_is_said_at_once_and_no_value_is_shown(tmp_path: Path) -> None:
    code, shown = checked(
        tmp_path,
        DSR_LOG_LEVEL="loud",
        DSR_KAFKA_BOOTSTRAP="",
        DSR_LOOKUP_KEY_FILE=str(tmp_path / "absent"),
        DSR_KAFKA_PASWORD=SECRET,
    )
    assert code == 1
    assert "intake: DSR_LOG_LEVEL" in shown
    assert "fanout: DSR_KAFKA_BOOTSTRAP: field required" in shown
    said = "unknown: DSR_KAFKA_PASWORD is not a setting; did you mean DSR_KAFKA_PASSWORD?\n"
    assert shown.count(said) == 1
    assert SECRET not in shown
    assert "loud" not in shown.replace("did you mean", "")


def test_faults_in_registry_and_rules_are_among_them(tmp_path: Path) -> None:
    code, shown = checked(tmp_path, "fanout", "--rules", str(tmp_path), "--json")
    said = json.loads(shown)
    assert code == 1
    assert said["faults"]["rules"]
    assert said["faults"]["registry"] == []


def test_a_file_that_is_none_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("export DSR_A='x y'\nDSR_B=\"z\"\n")
    assert settings_check.file_variables(file) == {"DSR_A": "x y", "DSR_B": "z"}
    file.write_text("DSR_A\n")
    with pytest.raises(settings_check.CommandError, match=":1: a line is NAME=VALUE"):
        settings_check.file_variables(file)


def test_a_settings_file_is_checked_beneath_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in lines(tmp_path):
        monkeypatch.setenv(*line.split("=", 1))
    monkeypatch.delenv("DSR_HTTP_PORT")
    file = tmp_path / "settings.toml"
    file.write_text(f'http_port = 8080\nlog_level = "loud"\nkafka_pasword = "{SECRET}"\n')
    arguments = [
        "config", "check", "--file", str(file),
        "--registry", str(ROOT / "registry"), "--rules", str(ROOT / "rules"),
    ]  # fmt: skip
    done = CliRunner().invoke(new_app(arguments), arguments)
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        *(
            f"{service}: {file}: log_level: input should be 'debug', 'info', 'warning' or 'error'"
            for service in settings_check.SERVICES
        ),
        f"unknown: {file}: kafka_pasword is not a setting; did you mean kafka_password?",
        "registry: no faults",
        "rules: no faults",
        "4 faults",
    ]
