"""`dsr system keys` on a registry topic that is pretended: what is listed, revoked and refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dsr_cli.commands import system
from dsr_cli.errors import CommandError
from dsr_cli.kafka.registry_topic import keys_records
from dsr_wire.envelope import Outgoing
from dsr_wire.keys import SealingAlgorithm, SystemKeyPair, SystemPublicKeys
from dsr_wire.possession import challenge, key_request, prove
from dsr_wire.registry_book import RegistryBook

NOW = datetime(2026, 7, 1, tzinfo=UTC)
PAIR = SystemKeyPair.generate("accounts")
LEAKED = PAIR.public
KEY = LEAKED.signing.id

WHY = ("--reason", "a test")


class PretendedTopic:
    """The operator's connection, to a topic in memory."""

    def __init__(self) -> None:
        self.book = RegistryBook()
        self.sent: list[Outgoing] = []
        self.send(keys_records([LEAKED], NOW))
        self.sent.clear()

    def send(self, records: list[Outgoing]) -> None:
        self.sent.extend(records)
        for one in records:
            self.book.read(one.value, one.headers)

    @property
    def keys(self) -> SystemPublicKeys:
        found = self.book.keys("accounts")
        assert found is not None
        return found


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> PretendedTopic:
    topic = PretendedTopic()
    monkeypatch.setattr(system, "operator", lambda: topic)
    monkeypatch.setattr(system, "read_book", lambda admin: admin.book)
    monkeypatch.setenv("DSR_TOKEN", "token-of-the-operators")
    return topic


def run(*arguments: str) -> Result:
    return CliRunner().invoke(system.app, ["keys", *arguments], env={"COLUMNS": "200"})


def fault(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, CommandError), result.output
    return str(result.exception)


def test_a_dry_run_revokes_nothing(topic: PretendedTopic) -> None:
    result = run("revoke", "accounts", KEY, "--reason", "leaked")
    assert (result.exit_code, "add --yes" in result.output) == (0, True), result.output
    assert topic.sent == []


def test_a_key_is_revoked_from_now_on_and_nothing_else_of_it_changes(topic: PretendedTopic) -> None:
    before = datetime.now(UTC)
    result = run("revoke", "accounts", KEY, "--reason", "leaked", "--apply")
    assert result.exit_code == 0, result.output
    assert "`dsr system keys rotate` registers new ones" in result.output
    [revoked] = topic.keys.revoked
    assert (revoked.key_id, revoked.reason) == (KEY, "leaked")
    assert before <= revoked.revoked_at <= datetime.now(UTC)
    assert (topic.keys.signing, topic.keys.sealing) == (LEAKED.signing, LEAKED.sealing)


def test_a_key_is_revoked_from_the_day_it_leaked_on(topic: PretendedTopic) -> None:
    at = "2026-03-02T10:30:00+01:00"
    for _ in range(2):
        result = run("revoke", "accounts", KEY, "--at", at, "--reason", "leaked", "--apply")
        assert result.exit_code == 0, result.output
    assert "is revoked from 2026-03-02T09:30:00+00:00 on already" in result.output
    assert len(topic.sent) == 1
    [revoked] = topic.keys.revoked
    assert revoked.revoked_at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_what_cannot_be_revoked_is_told_in_one_line(topic: PretendedTopic) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    because = ("--reason", "leaked", "--apply")
    assert "no keys are registered" in fault("revoke", "billing", KEY, *because)
    assert "has no signing key" in fault("revoke", "accounts", "0" * 16, *because)
    assert "has no signing key" in fault("revoke", "accounts", LEAKED.sealing.id, *because)
    assert "lies ahead" in fault("revoke", "accounts", KEY, "--at", ahead, *because)
    assert "no offset" in fault("revoke", "accounts", KEY, "--at", "2026-03-02", *because)
    assert "is no time" in fault("revoke", "accounts", KEY, "--at", "yesterday", *because)
    assert "say why" in fault("revoke", "accounts", KEY, "--reason", " ", "--apply")
    assert topic.sent == []


def proof(pair: SystemKeyPair, folder: Path) -> str:
    """Have keys asked for, challenged and proved; return the file with the proof."""
    request, answer = folder / "request.json", folder / "challenge.json"
    request.write_text(key_request(pair, at=NOW))
    challenged = run("challenge", str(request))
    assert challenged.exit_code == 0, challenged.output
    answer.write_text(prove(pair, challenged.output, at=NOW))
    return str(answer)


def test_a_revoked_key_is_not_registered_again(topic: PretendedTopic, tmp_path: Path) -> None:
    run("revoke", "accounts", KEY, "--reason", "leaked", "--apply")
    file = proof(PAIR, tmp_path)
    for command in ("register", "rotate"):
        assert "is revoked" in fault(command, file, *WHY, "--apply")
    assert len(topic.sent) == 1


def test_the_first_keys_of_a_system_are_registered_once_they_are_proved(
    topic: PretendedTopic, tmp_path: Path
) -> None:
    pair = SystemKeyPair.generate("billing", SealingAlgorithm.HYBRID)
    file = proof(pair, tmp_path)
    assert "no keys are registered for billing" in fault("rotate", file, *WHY, "--apply")
    assert "add --yes" in run("register", file, *WHY).output
    assert topic.book.keys("billing") is None
    for _ in range(2):
        result = run("register", file, *WHY, "--apply")
        assert (result.exit_code, "mlkem768-x25519" in result.output) == (0, True), result.output
    assert topic.book.keys("billing") == pair.public


def test_without_a_proof_nothing_is_registered(topic: PretendedTopic, tmp_path: Path) -> None:
    pair, file = SystemKeyPair.generate("billing"), tmp_path / "keys.json"
    for text in (key_request(pair, at=NOW), "rubbish", "{}"):
        file.write_text(text)
        assert str(file) in fault("register", str(file), *WHY, "--apply")
    foreign = challenge(pair.public, key=b"of another", at=datetime.now(UTC))
    file.write_text(prove(pair, foreign, at=NOW))
    assert "not made here" in fault("register", str(file), *WHY, "--apply")
    file.write_bytes(b"\xff")
    assert "is no text" in fault("register", str(file), *WHY, "--apply")
    assert topic.sent == []


def test_keys_are_replaced_when_the_present_one_agrees(
    topic: PretendedTopic, tmp_path: Path
) -> None:
    coming = PAIR.rotated(SealingAlgorithm.HYBRID)
    file = proof(coming, tmp_path)
    assert "has keys already" in fault("register", file, *WHY, "--apply")
    assert run("rotate", file, *WHY, "--apply").exit_code == 0
    assert (topic.keys.signing, topic.keys.sealing) == (
        coming.public.signing,
        coming.public.sealing,
    )
    assert topic.keys.former_signing == (LEAKED.signing,)
    assert run("rotate", file, *WHY, "--apply").exit_code == 0, "again changes nothing"
    assert topic.keys.former_signing == (LEAKED.signing,)


def test_keys_that_the_present_one_does_not_agree_to_wait_until_it_is_revoked(
    topic: PretendedTopic, tmp_path: Path
) -> None:
    other = SystemKeyPair.generate("accounts")
    file = proof(other, tmp_path)
    assert "has not signed it" in fault("rotate", file, *WHY, "--apply")
    thief = proof(SystemKeyPair.generate("accounts").rotated(SealingAlgorithm.X25519), tmp_path)
    assert "has not signed it" in fault("rotate", thief, *WHY, "--apply")
    assert topic.sent == []
    run("revoke", "accounts", KEY, "--reason", "lost", "--apply")
    file = proof(other, tmp_path)
    assert run("rotate", file, *WHY, "--apply").exit_code == 0
    assert topic.keys.signing == other.public.signing
    assert topic.keys.revocation(KEY) is not None


def test_keys_are_listed_with_what_each_is_for(topic: PretendedTopic) -> None:
    run("revoke", "accounts", KEY, "--at", "2026-03-02T09:30:00Z", "--reason", "leaked", "--apply")
    listed = json.loads(run("list", "accounts", "--json").output)
    assert listed == [
        {
            "key_id": KEY,
            "use": "signs",
            "revoked_at": "2026-03-02T09:30:00+00:00",
            "reason": "leaked",
        },
        {
            "key_id": topic.keys.sealing.id,
            "use": "is sealed to",
            "revoked_at": None,
            "reason": None,
        },
    ]
    table = run("list", "accounts").output
    assert all(text in table for text in (KEY, "signs", "2026-03-02T09:30:00", "leaked"))
    assert "no keys are registered" in fault("list", "billing")
