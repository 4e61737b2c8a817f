from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dsr_cli.stack import ProcessSpec, StackError, StackSettings
from dsr_cli.stack.lock import StackLock
from dsr_cli.stack.pins import read_pins
from dsr_cli.stack.secret_store import Credentials, SecretStore
from dsr_cli.stack.settings import PINS, find_checkout
from dsr_cli.stack.waves import waves


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DSR_PORT_BASE", "DSR_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_one_setting_moves_every_port_and_the_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DSR_PORT_BASE", "18000")

    settings = StackSettings.from_environment(tmp_path)

    assert settings.data_dir == tmp_path / ".dsr" / "18000"
    assert settings.intake_url == "http://127.0.0.1:18000"
    assert settings.verifier_port == 18002
    assert settings.kafka_bootstrap == "127.0.0.1:18010"
    assert settings.temporal_address == "127.0.0.1:18020"
    assert settings.postgres_port == 18030


def test_data_may_live_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DSR_DATA_DIR", str(tmp_path / "elsewhere"))

    assert StackSettings.from_environment(tmp_path).logs_dir == tmp_path / "elsewhere" / "logs"


@pytest.mark.parametrize("text", ["many", "80", "65500", "-1", "17000.5"])
def test_unusable_port_base_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.setenv("DSR_PORT_BASE", text)

    with pytest.raises(StackError, match="DSR_PORT_BASE"):
        StackSettings.from_environment(tmp_path)


def test_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"

    first = SecretStore(folder).secret("kafka-admin")

    assert SecretStore(folder).secret("kafka-admin") == first
    assert SecretStore(folder).secret("kafka-intake") != first
    assert stat.S_IMODE((folder / "kafka-admin").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["kafka-admin", "kafka-intake"]


def test_name_of_a_secret_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a name"):
        SecretStore(tmp_path).secret("../elsewhere")


def test_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Credentials(username="admin", password="hunter2"))


def test_lock_names_its_holder_and_can_be_taken_again(tmp_path: Path) -> None:
    first, second = StackLock(tmp_path / "lock"), StackLock(tmp_path / "lock")
    first.acquire(advice="")

    with pytest.raises(StackError, match=r"pid \d+\); wait"):
        second.acquire(advice="wait")
    first.release()
    second.acquire(advice="")
    second.release()


def test_processes_start_in_waves() -> None:
    def spec(name: str, *after: str) -> ProcessSpec:
        return ProcessSpec(name=name, argv=(name,), ready=lambda: True, after=after)

    specs = [spec("kafka"), spec("postgres"), spec("intake", "kafka"), spec("system", "intake")]

    named = [[one.name for one in wave] for wave in waves(specs)]

    assert named == [["kafka", "postgres"], ["intake"], ["system"]]


def test_every_jar_is_pinned() -> None:
    jars = read_pins(find_checkout() / PINS)

    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.4.0"}
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 for jar in jars)
