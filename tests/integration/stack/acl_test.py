"""`dsr acl` on a real Kafka: from nothing to what should be, by exit codes that a schedule can read."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsr_cli.commands.acl import DIFFERS
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.access import Grant, grant
from dsr_cli.stack import Stack, create_users, probes
from dsr_cli.stack.access import kafka_environment, secret_name
from support.command import Said, dsr

Run = Callable[..., Said]

LOGIN = "organisation.cloud-uk"


@pytest.fixture(scope="module")
def passwords(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("passwords") / "kafka"


@pytest.fixture(scope="module")
def run(stack: Stack) -> Run:
    """Run `dsr acl` as the super user, who alone can begin."""

    def acl(*given: str, user: str = "admin") -> Said:
        is_change = given[0] in {"apply", "password"}
        arguments = (*given, *(("--reason", "a test") if is_change else ()))
        variables = kafka_environment(stack, user)
        return asyncio.run(dsr(stack.settings, "acl", *arguments, variables=variables))

    return acl


def plan(run: Run, *options: str) -> tuple[int, Any]:
    said = run("plan", "--json", *options)
    return said.code, json.loads(said.out)


def test_from_nothing_to_what_should_be_and_no_further(
    stack: Stack, run: Run, passwords: Path
) -> None:
    code, changes = plan(run)
    assert (code, changes["differs"]) == (DIFFERS, True)
    assert LOGIN in changes["new_logins"]
    assert not changes["revoked"] + changes["removed_logins"]

    assert run("apply", "--passwords", str(passwords)).code == DIFFERS  # a dry run
    assert not passwords.exists()
    assert "name a folder with --passwords" in run("apply", "--yes").fault
    done = run("apply", "--yes", "--passwords", str(passwords))
    assert done.code == 0, done.err
    assert plan(run) == (0, changes | _nothing())
    assert run("apply", "--yes").out.startswith("nothing to do")

    file = passwords / secret_name(LOGIN)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _logs_in(stack, LOGIN, file.read_text())


def test_what_somebody_added_by_hand_is_shown_and_taken_back(stack: Stack, run: Run) -> None:
    by_hand = Grant(
        principal=LOGIN, resource="topic", name="dsr.closures.v1", operations=("write",)
    )
    others = replace(by_hand, principal="reporting")
    grant(kafka_admin(stack).client(), [by_hand, others])
    code, changes = plan(run)
    assert code == DIFFERS
    assert [(one["login"], one["operation"]) for one in changes["revoked"]] == [(LOGIN, "write")]
    assert [one["login"] for one in changes["left_alone"]] == ["reporting"]
    shown = run("plan").out
    assert "write topic dsr.closures.v1" in shown
    assert "1 entries are left alone" in shown
    assert run("apply", "--yes").code == 0
    assert plan(run)[0] == 0


def test_quotas_come_from_a_setting(run: Run) -> None:
    code, changes = plan(run, "--sends", "1000")
    assert code == DIFFERS
    assert changes["quotas"][LOGIN] == {"producer_byte_rate": 1000.0}


def test_a_password_is_changed_and_the_former_one_is_refused(
    stack: Stack, run: Run, passwords: Path
) -> None:
    file = passwords / secret_name(LOGIN)
    former = file.read_text()
    assert run("password", LOGIN, "--passwords", str(passwords)).code == 0  # a dry run
    assert file.read_text() == former
    changed = run("password", LOGIN, "--passwords", str(passwords), "--yes")
    assert changed.code == 0, changed.err
    assert file.read_text() not in {former, ""}
    assert file.read_text() not in changed.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _logs_in(stack, LOGIN, file.read_text())
    assert not _logs_in(stack, LOGIN, former)
    unknown = run("password", "organisation.nobody", "--passwords", str(passwords), "--yes")
    assert "there is no login organisation.nobody" in unknown.fault


def test_who_may_not_see_rights_is_told_so_and_not_that_there_are_none(
    stack: Stack, run: Run
) -> None:
    create_users(stack, ["intake"])  # with the password of the stack's own secrets
    refused = run("plan", user="intake")
    assert "Kafka refuses to show logins and rights" in refused.fault


def _nothing() -> dict[str, Any]:
    return {"differs": False, "new_logins": [], "granted": [], "quotas": {}}


def _logs_in(stack: Stack, user: str, password: str) -> bool:
    return probes.kafka_logs_in(stack.kafka_bootstrap, user, password, ca_file=stack.kafka_ca_file)
