"""A new organisation on a real Kafka: refused without keys, and then with topics and rights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from unit.cli.registry_topic_test import NEW_ORGANISATION

from dsr_cli.commands.acl import DIFFERS
from dsr_cli.errors import CommandError
from dsr_cli.group.access import grants
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.registry_topic import read_book
from dsr_cli.registry.load import load_registry
from dsr_cli.stack import Stack, create_users, grant
from dsr_cli.stack.access import kafka_environment
from dsr_cli.stack.settings import find_checkout
from dsr_wire.envelope import Outgoing
from dsr_wire.keys import SealingAlgorithm, SystemKeyPair
from dsr_wire.possession import key_request, prove
from dsr_wire.topics import OPERATOR

WHY = ("--reason", "a test")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Run:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "acme.yaml").write_text(NEW_ORGANISATION)
    create_users(stack, [OPERATOR])
    grant(
        stack,
        [
            one
            for one in grants(load_registry(find_checkout() / "registry"))
            if one.principal == OPERATOR
        ],
    )
    operator = {
        **kafka_environment(stack, OPERATOR),
        "COLUMNS": "200",
        "DSR_TOKEN": "t" * 16,
    }

    def dsr(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from dsr_cli.main import main; main()", *arguments],
            env={**os.environ, **operator},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return dsr


def proved(run: Run, pair: SystemKeyPair, folder: Path) -> str:
    """Have the keys of a system asked for, challenged and proved; return the file with the proof."""
    now = datetime.now(UTC)
    (folder / "request.json").write_text(key_request(pair, at=now))
    challenge = run("system", "keys", "challenge", "request.json")
    assert challenge.returncode == 0, challenge.stderr
    (folder / "proof.json").write_text(prove(pair, challenge.stdout, at=now))
    return "proof.json"


def test_a_new_organisation_has_keys_then_topics_and_rights(
    stack: Stack, run: Run, tmp_path: Path
) -> None:
    refused = run("registry", "publish", "registry", *WHY, "--apply")
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert "accounts has no registered keys" in line

    dry = run("topics", "create", "registry", *WHY)
    assert "would be created" in dry.stdout
    assert run("topics", "create", "registry", *WHY).stdout == dry.stdout
    assert run("topics", "create", "registry", *WHY, "--apply").returncode == 0
    # The login sees the topics of an organisation once it has rights to them, which come later.
    assert "0 created" in run("topics", "create", "registry", *WHY, "--apply").stdout
    pair = SystemKeyPair.generate("accounts")
    first = pair.public.signing.id
    proof = proved(run, pair, tmp_path)
    assert run("system", "keys", "register", proof, *WHY, "--apply").returncode == 0
    pair = pair.rotated(SealingAlgorithm.HYBRID)
    second = pair.public.signing.id
    rotated = run("system", "keys", "rotate", proved(run, pair, tmp_path), *WHY, "--apply")
    assert rotated.returncode == 0, rotated.stderr
    registered = read_book(kafka_admin(stack)).keys("accounts")
    assert registered is not None
    assert registered.signing.id == second
    assert [one.id for one in registered.former_signing] == [first]

    dry = run("acl", "plan", "registry", "--json")
    assert dry.returncode == DIFFERS, dry.stderr
    assert "organisation.acme" in json.loads(dry.stdout)["new_logins"]
    login = create_users(stack, ["organisation.acme"])["organisation.acme"]
    theirs = replace(kafka_admin(stack), username=login.username, password=login.password)
    answer = Outgoing("dsr.acknowledgements.v1", b"key", b"value", ())
    with pytest.raises(CommandError, match="AUTHORIZATION"):
        theirs.send([answer])

    published = run("registry", "publish", "registry", *WHY, "--apply")
    assert published.returncode == 0, published.stderr
    theirs.send([answer])
    assert read_book(kafka_admin(stack)).current is not None
    again = run("acl", "plan", "registry", "--json")
    assert json.loads(again.stdout)["granted"] == []
