"""A new organisation on a real Kafka: refused without keys, and then with topics and rights."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.cli.registry_topic_test import NEW_ORGANISATION

from dsr_cli.errors import CommandError
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.registry_topic import read_book
from dsr_cli.stack import Stack, create_users
from dsr_wire.envelope import Outgoing
from dsr_wire.keys import SystemKeyPair

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Run:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "acme.yaml").write_text(NEW_ORGANISATION)
    login = stack.kafka_admin_credentials
    operator = {
        "DSR_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
        "DSR_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "DSR_KAFKA_USERNAME": login.username,
        "DSR_KAFKA_PASSWORD": login.password,
        "COLUMNS": "200",
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

    dry = run("topics", "grant", "registry")
    assert (dry.returncode, "missing" in dry.stdout) == (0, True), dry.stderr
    login = create_users(stack, ["organisation.acme"])["organisation.acme"]
    theirs = KafkaAdmin(
        bootstrap=stack.kafka_bootstrap,
        security_protocol="SASL_PLAINTEXT",
        username=login.username,
        password=login.password,
    )
    answer = Outgoing("dsr.acknowledgements.v1", b"key", b"value", ())
    with pytest.raises(CommandError, match="AUTHORIZATION"):
        theirs.send([answer])

    published = run("registry", "publish", "registry", "--apply")
    assert published.returncode == 0, published.stderr
    theirs.send([answer])
    assert read_book(kafka_admin(stack)).current is not None
    again = run("topics", "grant", "registry", "--apply")
    assert again.stdout.splitlines()[-1] == "0 granted", again.stderr
