"""A new organisation on a real Kafka: refused without keys, and then with topics and rights."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
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
from dsr_wire.keys import SystemKeyPair
from dsr_wire.topics import OPERATOR

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
    operator = {**kafka_environment(stack, OPERATOR), "COLUMNS": "200"}

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


def public_keys(file: Path) -> str:
    """Write a new pair's public half, as `dsr-sdk keys public` prints it; return the signing key's id."""
    public = SystemKeyPair.generate("accounts").public
    content = {
        "system_id": public.system_id,
        "signing": base64.b64encode(public.signing.raw).decode(),
        "sealing": base64.b64encode(public.sealing.raw).decode(),
    }
    file.write_text(json.dumps(content))
    return public.signing.id


def test_a_new_organisation_has_keys_then_topics_and_rights(
    stack: Stack, run: Run, tmp_path: Path
) -> None:
    refused = run("registry", "publish", "registry", "--apply")
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert "accounts has no registered keys" in line

    assert run("topics", "create", "registry").returncode == 0
    first = public_keys(tmp_path / "keys.json")
    assert run("system", "keys", "register", "keys.json", "--apply").returncode == 0
    second = public_keys(tmp_path / "keys.json")
    rotated = run("system", "keys", "register", "keys.json", "--apply")
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

    published = run("registry", "publish", "registry", "--apply")
    assert published.returncode == 0, published.stderr
    theirs.send([answer])
    assert read_book(kafka_admin(stack)).current is not None
    again = run("acl", "plan", "registry", "--json")
    assert json.loads(again.stdout)["granted"] == []
