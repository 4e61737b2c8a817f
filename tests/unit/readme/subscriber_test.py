"""README's subscriber, whole, in the SDK's test kit."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dsr_core.rights import Disposition
from dsr_sdk import SystemKeyPair
from dsr_sdk.testing import SubscriberHarness
from support.readme import example


async def test_readme_subscriber_erases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = example("subscriber")
    assert len(code.splitlines()) < 40
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.json").write_text(SystemKeyPair.generate("crm").to_json())
    settings = {
        "SYSTEM_ID": "crm",
        "ORGANISATION_ID": "acme",
        "SYSTEM_KEYS_FILE": "keys.json",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
        "OUTCOMES_FILE": "outcomes.sqlite",
    }
    for name, text in settings.items():
        monkeypatch.setenv(f"DSR_{name}", text)
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - the example is ours
    database = names["database"]
    assert isinstance(database, sqlite3.Connection)
    with database:
        database.execute(
            "insert into customers values ('a@example.com', 'A'), ('b@example.com', 'B')"
        )
    harness = SubscriberHarness(names["subscriber"])
    people = [{"email": "a@example.com"}, {"email": "c@example.com"}]
    known, unknown = await harness.deliver(identities=people)
    assert (known.disposition, known.records) == (Disposition.ERASED, 1)
    assert unknown.disposition is Disposition.NOT_FOUND
    assert database.execute("select email from customers").fetchall() == [("b@example.com",)]
    database.close()
