"""`dsr system keys` on a registry topic that is pretended: what is listed, revoked and refused."""

from __future__ import annotations

import base64
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
from dsr_wire.keys import SystemKeyPair, SystemPublicKeys
from dsr_wire.registry_book import RegistryBook

NOW = datetime(2026, 7, 1, tzinfo=UTC)
LEAKED = SystemKeyPair.generate("accounts").public
KEY = LEAKED.signing.id


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
    return topic


def run(*arguments: str) -> Result:
    return CliRunner().invoke(system.app, ["keys", *arguments], env={"COLUMNS": "200"})


def fault(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, CommandError), result.output
    return str(result.exception)


def test_a_dry_run_revokes_nothing(topic: PretendedTopic) -> None:
    result = run("revoke", "accounts", KEY, "--reason", "leaked")
    assert (result.exit_code, "add --apply" in result.output) == (0, True), result.output
    assert topic.sent == []


def test_a_key_is_revoked_from_now_on_and_nothing_else_of_it_changes(topic: PretendedTopic) -> None:
    before = datetime.now(UTC)
    result = run("revoke", "accounts", KEY, "--reason", "leaked", "--apply")
    assert result.exit_code == 0, result.output
    assert "register new ones" in result.output
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


def test_a_revoked_key_is_not_registered_again(topic: PretendedTopic, tmp_path: Path) -> None:
    run("revoke", "accounts", KEY, "--reason", "leaked", "--apply")
    file = tmp_path / "keys.json"
    file.write_text(
        json.dumps(
            {
                "system_id": "accounts",
                "signing": base64.b64encode(LEAKED.signing.raw).decode(),
                "sealing": base64.b64encode(LEAKED.sealing.raw).decode(),
            }
        )
    )
    assert "is revoked" in fault("register", str(file), "--apply")
    assert len(topic.sent) == 1


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
