"""Settings from the environment, and the command that makes keys and checks them."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dsr_sdk import ConfigurationError, KafkaConnection, Subscriber, SystemKeyPair
from dsr_sdk.cli import main
from dsr_sdk.environment import settings_from
from dsr_wire.possession import challenge, check_proof, read_key_request


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A complete environment."""
    file = tmp_path / "keys.json"
    file.write_text(SystemKeyPair.generate("billing").to_json())
    return {
        "DSR_SYSTEM_ID": "billing",
        "DSR_ORGANISATION_ID": "acme",
        "DSR_SYSTEM_KEYS_FILE": str(file),
        "DSR_KAFKA_BOOTSTRAP": "localhost:9092",
        "DSR_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "DSR_KAFKA_USERNAME": "organisation.acme",
        "DSR_KAFKA_PASSWORD": "secret-word",
        "DSR_OUTCOMES_FILE": str(tmp_path / "outcomes.sqlite"),
        "DSR_READY_FILE": str(tmp_path / "ready"),
    }


def faults(environment: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        settings_from(environment)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_a_complete_environment_makes_a_subscriber(environment: dict[str, str]) -> None:
    subscriber = Subscriber.from_environment(environment)
    assert (subscriber.system_id, subscriber.organisation_id) == ("billing", "acme")
    kafka = settings_from(environment)["kafka"]
    assert (kafka.username, kafka.uses_sasl, kafka.uses_tls) == ("organisation.acme", True, False)
    assert "secret-word" not in repr(kafka)


def test_outcomes_are_kept_as_long_as_the_environment_says(environment: dict[str, str]) -> None:
    assert settings_from(environment)["retention"] == timedelta(days=180)
    environment["DSR_OUTCOMES_RETENTION_DAYS"] = "365"
    assert settings_from(environment)["retention"] == timedelta(days=365)
    Subscriber.from_environment(environment)


def test_the_object_store_and_its_limit_are_read(environment: dict[str, str]) -> None:
    assert settings_from(environment)["store"] is None
    environment |= {"DSR_STORE_URL": "s3://bucket/folder", "DSR_EXPORT_BYTES_LIMIT": "1000"}
    environment["DSR_EXPORT_FILES_LIMIT"] = "50"
    settings = settings_from(environment)
    assert settings["export_limits"].files == 50
    assert (settings["store"], settings["export_limits"].size) == ("s3://bucket/folder", 1000)


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("DSR_STORE_URL", "bucket", "must begin with one of file://, s3://, gs://, az://"),
        ("DSR_STORE_URL", "file:///", "must name a folder, like file:///var/lib/dsr/store"),
        ("DSR_STORE_URL", "s3:///x", "must name a bucket, like s3://bucket/folder"),
        ("DSR_EXPORT_BYTES_LIMIT", "10 GB", "must be a number of bytes"),
        ("DSR_EXPORT_BYTES_LIMIT", "0", "must be a number of bytes"),
        ("DSR_EXPORT_FILES_LIMIT", "many", "must be a number of files up to 100000"),
        ("DSR_EXPORT_FILES_LIMIT", "100001", "must be a number of files up to 100000"),
    ],
)
def test_a_wrong_object_store_is_named(
    environment: dict[str, str], variable: str, value: str, fault: str
) -> None:
    assert faults({**environment, variable: value}) == (f"{variable} {fault}",)


def test_every_missing_variable_is_named_at_once() -> None:
    assert [one.split(" ", 1)[0] for one in faults({})] == [
        "DSR_SYSTEM_ID",
        "DSR_ORGANISATION_ID",
        "DSR_SYSTEM_KEYS_FILE",
        "DSR_KAFKA_BOOTSTRAP",
        "DSR_OUTCOMES_FILE",
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DSR_SYSTEM_ID", "Billing!", "must be a registry id"),
        ("DSR_SYSTEM_ID", "shop", "holds the keys of 'billing'"),
        ("DSR_ORGANISATION_ID", "a b", "must be a registry id"),
        ("DSR_SYSTEM_KEYS_FILE", "nowhere.json", "cannot be read"),
        ("DSR_KAFKA_BOOTSTRAP", "localhost", "must be host:port"),
        ("DSR_KAFKA_SECURITY_PROTOCOL", "TLS", "must be one of"),
        ("DSR_KAFKA_PASSWORD", "", "needs a username and a password"),
        ("DSR_KAFKA_CA_FILE", "nowhere.pem", "is not there"),
        ("DSR_OUTCOMES_FILE", "no/such/folder/outcomes", "is not there"),
        ("DSR_READY_FILE", "no/such/folder/ready", "is not there"),
        ("DSR_OUTCOMES_RETENTION_DAYS", "half a year", "must be longer than 120 days"),
        ("DSR_OUTCOMES_RETENTION_DAYS", "120", "must be longer than 120 days"),
        ("DSR_OUTCOMES_RETENTION_DAYS", "999999", "and not than 36,500 days"),
    ],
)
def test_a_wrong_variable_is_named(
    environment: dict[str, str], name: str, value: str, told: str
) -> None:
    (fault,) = faults({**environment, name: value})
    assert told in fault
    assert fault.startswith(("DSR_KAFKA_*:", name, "DSR_SYSTEM_KEYS_FILE"))
    assert "secret-word" not in fault


def test_an_outcome_store_in_whatever_folder_the_process_starts_in_is_refused(
    environment: dict[str, str],
) -> None:
    del environment["DSR_OUTCOMES_FILE"]
    (fault,) = faults(environment)
    assert "DSR_OUTCOMES_FILE is not set" in fault


def test_a_file_that_holds_no_keys_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"signing": "very secret"}')
    (fault,) = faults(environment)
    assert "not a key file" in fault
    assert "very secret" not in fault


def test_arguments_are_checked_like_the_environment() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Subscriber(
            system_id="Billing",
            organisation_id="",
            keys=SystemKeyPair.generate("shop"),
            kafka=KafkaConnection(bootstrap="nowhere", security_protocol="PLAINTEXT"),
            concurrency=0,
        )
    assert len(caught.value.faults) == 5


def test_a_subscriber_is_named_first_or_by_keyword() -> None:
    keys = SystemKeyPair.generate("billing")
    named = Subscriber("billing", organisation_id="acme", keys=keys)
    assert Subscriber(system_id="billing", organisation_id="acme", keys=keys).system_id == "billing"
    assert named.system_id == "billing"


def test_new_keys_are_the_owners_alone_and_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "keys.json"
    assert main(["keys", "new", "--system", "billing", "--out", str(file)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keys = SystemKeyPair.from_json(file.read_text())
    assert read_key_request(json.dumps(shown)) == keys.public
    assert main(["keys", "public", str(file)]) == 0
    assert read_key_request(capsys.readouterr().out) == keys.public
    assert main(["keys", "new", "--system", "billing", "--out", str(file)]) == 1
    assert "is not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["keys", "new", "--system", "Billing", "--out", "keys.json"], "registry id"),
        (["keys", "new", "--system", "billing", "--out", "no/such/keys.json"], "cannot be written"),
        (["keys", "public", "no/such/keys.json"], "cannot be read"),
        (["keys", "public", __file__], "not a key file"),
        (["keys", "rotate", __file__], "not a key file"),
    ],
)
def test_the_command_says_what_is_wrong(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert told in capsys.readouterr().err


def test_check_says_what_is_wrong_and_what_is_right(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in environment:
        monkeypatch.delenv(name, raising=False)
    assert main(["check"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 5
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["check"]) == 0
    assert "billing of acme is ready to subscribe" in capsys.readouterr().out


def test_keys_are_rotated_without_a_moment_in_which_something_cannot_be_opened_or_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, challenge_file = tmp_path / "keys.json", tmp_path / "challenge.json"

    def said(*arguments: str) -> str:
        assert main(["keys", *arguments]) == 0
        return capsys.readouterr().out

    first = read_key_request(said("new", "--system", "billing", "--out", str(file)))
    request = said("rotate", str(file), "--hybrid")
    second = read_key_request(request)
    assert read_key_request(said("rotate", str(file))) == second, "broken off and called again"
    waiting = SystemKeyPair.from_json(file.read_text())
    assert waiting.signing.public_key().public_bytes_raw() == first.signing.raw
    for one in (first.sealing, second.sealing):
        assert waiting.opening(one.id).public == one

    challenge_file.write_text(challenge(second, key=b"k", at=datetime.now(UTC)))
    proof = check_proof(
        said("prove", str(file), str(challenge_file)), key=b"k", at=datetime.now(UTC)
    )
    assert (proof.public, proof.is_agreed_by(first)) == (second, True)

    assert said("finish", str(file)) == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = SystemKeyPair.from_json(file.read_text())
    assert done.signing.public_key().public_bytes_raw() == second.signing.raw
    assert done.opening(first.sealing.id).public == first.sealing
    assert main(["keys", "finish", str(file)]) == 1
    assert "no keys that wait" in capsys.readouterr().err
    for bad in ("{}", "rubbish"):
        challenge_file.write_text(bad)
        assert main(["keys", "prove", str(file), str(challenge_file)]) == 1
        assert str(challenge_file) in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("tmp")] == []
