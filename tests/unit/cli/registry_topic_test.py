"""What is published and registered: nothing for a system without keys, no key lost on rotation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dsr_cli.commands.registry import app
from dsr_cli.group.access import grants
from dsr_cli.kafka.registry_topic import keys_records, revoke, successor, without_keys
from dsr_cli.registry import load_registry
from dsr_core.errors import RejectedInput
from dsr_core.registry import Registry
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.keys import Revocation, SystemKeyPair, SystemPublicKeys
from dsr_wire.registry_book import RegistryBook
from dsr_wire.topics import OPERATOR

NOW = datetime(2026, 7, 1, tzinfo=UTC)
NEW_ORGANISATION = """\
organisation:
  id: acme
  name: Acme
  role: company
  country: DE
  region: europe
  owner: Privacy office
  contact: privacy@acme.test
systems:
  - id: accounts
    name: Accounts
    owner: Accounts team
    contact: accounts@acme.test
    region: europe
    rights: [access, deletion]
    identifiers: [email]
    categories: [user.contact.email]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme.yaml").write_text(NEW_ORGANISATION)
    return tmp_path


@pytest.fixture
def registry(folder: Path) -> Registry:
    return load_registry(folder)


def new_keys() -> SystemPublicKeys:
    return SystemKeyPair.generate("accounts").public


def registered(*keys: SystemPublicKeys) -> RegistryBook:
    book = RegistryBook()
    for record in keys_records(keys, NOW):
        book.read(record.value, record.headers)
    return book


def publish(
    monkeypatch: pytest.MonkeyPatch, book: RegistryBook, *arguments: str
) -> tuple[int, str]:
    monkeypatch.setattr("dsr_cli.kafka.connect.operator", lambda: None)
    monkeypatch.setattr("dsr_cli.kafka.registry_topic.read_book", lambda _admin: book)
    wrapped = typer.Typer()
    wrapped.add_typer(app, name="registry")
    result = CliRunner().invoke(wrapped, ["registry", "publish", "--reason", "a test", *arguments])
    return result.exit_code, result.output


def test_a_system_without_keys_is_named(registry: Registry) -> None:
    assert without_keys(registry, RegistryBook()) == ["accounts"]
    assert without_keys(registry, registered(new_keys())) == []


@pytest.mark.parametrize("options", [(), ("--apply",)])
def test_a_registry_with_a_system_without_keys_is_not_published(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    code, said = publish(monkeypatch, RegistryBook(), str(folder), *options)
    [line] = said.splitlines()
    assert (code, line.startswith("dsr: accounts has no registered keys")) == (1, True)


def test_a_forced_dry_run_still_names_the_system_without_keys(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = publish(monkeypatch, RegistryBook(), str(folder), "--force")
    assert code == 0
    assert "accounts has no registered keys" in said
    assert "would be published" in said


def test_a_new_organisation_has_rights_on_its_topics_alone(registry: Registry) -> None:
    rights = {
        (one.name, operation)
        for one in grants(registry)
        if one.principal == "organisation.acme"
        for operation in one.operations
        if operation != "describe"
    }
    assert rights == {
        ("dsr.access.acme.v1", "read"),
        ("dsr.correction.acme.v1", "read"),
        ("dsr.deletion.acme.v1", "read"),
        ("dsr.opt-out.acme.v1", "read"),
        ("dsr.restriction.acme.v1", "read"),
        ("dsr.objection.acme.v1", "read"),
        ("dsr.portability.acme.v1", "read"),
        ("dsr.access.acme.v1.dead-letter", "write"),
        ("dsr.correction.acme.v1.dead-letter", "write"),
        ("dsr.deletion.acme.v1.dead-letter", "write"),
        ("dsr.opt-out.acme.v1.dead-letter", "write"),
        ("dsr.restriction.acme.v1.dead-letter", "write"),
        ("dsr.objection.acme.v1.dead-letter", "write"),
        ("dsr.portability.acme.v1.dead-letter", "write"),
        ("dsr.acknowledgements.v1", "write"),
        ("dsr.suppressions.v1", "read"),
        ("dsr.organisation.acme.", "read"),
    }


def test_the_operator_has_what_its_commands_need(registry: Registry) -> None:
    rights = {
        (one.name, operation)
        for one in grants(registry)
        if one.principal == OPERATOR
        for operation in one.operations
    }
    assert rights >= {
        ("dsr.registry.v1", "read"),
        ("dsr.registry.v1", "write"),
        ("dsr.requests.v1.dead-letter", "read"),
        ("dsr.requests.v1", "write"),  # a replay
        ("kafka-cluster", "create"),
        ("kafka-cluster", "alter"),
        ("dsr.operator", "read"),
    }
    assert ("dsr.requests.v1", "read") not in rights


def test_an_answer_signed_by_the_former_key_is_not_of_an_unknown_key() -> None:
    first, second = new_keys(), new_keys()
    rotated = successor(second, first)
    book = registered(first, rotated)
    keys = book.keys("accounts")
    assert keys is not None
    assert (keys.signing, keys.sealing) == (second.signing, second.sealing)
    assert keys.signing_key(first.signing.id) == first.signing


def test_the_same_keys_again_lose_no_former_key() -> None:
    first, second = new_keys(), new_keys()
    rotated = successor(second, first)
    assert successor(second, rotated) == rotated


def test_every_former_signing_key_is_kept_the_newest_first() -> None:
    """Answers in the certificates of eight rotations ago are still checked."""
    generations = [new_keys() for _ in range(8)]
    present = generations[0]
    for one in generations[1:]:
        present = successor(one, present)
    newest_first = [one.signing for one in reversed(generations)]
    assert [present.signing, *present.former_signing] == newest_first
    published = PublishedKeys.of([present], log=(), witnesses=())
    system = published.system("accounts")
    assert system is not None
    assert all(system.key(one.signing.id) == one.signing for one in generations)


def test_answers_come_in_by_the_present_key_and_the_five_before_it() -> None:
    generations = [new_keys() for _ in range(8)]
    present = generations[0]
    for one in generations[1:]:
        present = successor(one, present)
    ids = [one.signing.id for one in generations]
    assert [one for one in ids if present.answering_key(one)] == ids[2:]
    assert all(present.signing_key(one) for one in ids)


def a_revocation(keys: SystemPublicKeys, *, days_ago: int = 0) -> Revocation:
    return Revocation(keys.signing.id, NOW - timedelta(days=days_ago), "leaked")


def test_a_revoked_key_stays_revoked_however_often_keys_are_registered_after_it() -> None:
    leaked = new_keys()
    present = revoke(leaked, a_revocation(leaked))
    for one in (*(new_keys() for _ in range(7)), leaked):
        present = successor(one, present)
    registered_keys = registered(present).keys("accounts")
    assert registered_keys is not None
    assert registered_keys.revocation(leaked.signing.id) == a_revocation(leaked)


def test_a_former_and_the_present_key_can_be_revoked_and_no_other() -> None:
    first, second = new_keys(), new_keys()
    both = successor(second, first)
    for one in (first, second):
        both = revoke(both, a_revocation(one))
    assert {one.key_id for one in both.revoked} == {first.signing.id, second.signing.id}
    with pytest.raises(RejectedInput, match=r"^unknown_key: accounts has no signing key"):
        revoke(both, a_revocation(new_keys()))


def test_revoking_a_key_again_can_only_move_the_time_back() -> None:
    keys = new_keys()
    revoked = revoke(keys, a_revocation(keys, days_ago=2))
    assert revoke(revoked, a_revocation(keys, days_ago=1)) == revoked
    earlier = a_revocation(keys, days_ago=3)
    assert revoke(revoked, earlier) == replace(keys, revoked=(earlier,))


def test_a_revocation_is_an_event_of_its_own() -> None:
    keys = new_keys()
    revoked = [keys, *(revoke(keys, a_revocation(keys, days_ago=ago)) for ago in (1, 2))]
    ids = {dict(one.headers)["ce_id"] for one in keys_records(revoked, NOW)}
    assert len(ids) == 3
