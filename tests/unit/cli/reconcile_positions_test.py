"""How far the verifier has read is asked of the group that it reads as."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast
from unittest.mock import Mock

import pytest

from dsr_cli.errors import CommandError
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.reconcile.positions import Positions, refuse_running, verifier_group

BLUE = "dsr.verifier.blue"


def a_kafka(*groups: str, running: tuple[str, ...] = ()) -> KafkaAdmin:
    """A Kafka that knows some groups; each has read up to offset 7 of one partition."""

    def answer(value: object) -> Mock:
        return Mock(result=lambda: value)

    def described(asked: list[str], **_options: object) -> dict[str, Mock]:
        members = ["one"] if asked[0] in running else []
        return {asked[0]: answer(SimpleNamespace(members=members))}

    def offsets(asked: list[SimpleNamespace], **_options: object) -> dict[str, Mock]:
        group = asked[0].group_id
        read = [SimpleNamespace(topic="dsr.obligations.v1", partition=0, offset=7)]
        return {group: answer(SimpleNamespace(topic_partitions=read if group in groups else []))}

    listed = SimpleNamespace(valid=[SimpleNamespace(group_id=one) for one in groups])
    client = SimpleNamespace(
        list_consumer_groups=lambda **_options: answer(listed),
        describe_consumer_groups=described,
        list_consumer_group_offsets=offsets,
    )
    return cast("KafkaAdmin", SimpleNamespace(client=lambda: client))


def test_the_group_is_the_verifier_s_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_VERIFIER_GROUP_ID", BLUE)
    positions = Positions.asked(a_kafka(BLUE))
    assert positions.verifier == BLUE
    assert positions.is_past(positions.verifier, ("dsr.obligations.v1", 0, 6))
    assert not positions.is_past(positions.verifier, ("dsr.obligations.v1", 0, 7))


@pytest.mark.parametrize(
    "known", [[], ["dsr.verifier"], ["dsr.verifier", BLUE], ["dsr.intake.links"]]
)
def test_it_is_the_usual_one_unless_kafka_knows_only_others(
    known: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DSR_VERIFIER_GROUP_ID", raising=False)
    assert verifier_group(known) == "dsr.verifier"


def test_another_group_that_was_not_given_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSR_VERIFIER_GROUP_ID", raising=False)
    with pytest.raises(CommandError, match=f"{BLUE}: give DSR_VERIFIER_GROUP_ID"):
        Positions.asked(a_kafka(BLUE))


def test_a_verifier_that_runs_is_seen_whatever_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSR_VERIFIER_GROUP_ID", raising=False)
    refuse_running(a_kafka("dsr.verifier", BLUE))
    with pytest.raises(CommandError, match=f"reads as {BLUE}"):
        refuse_running(a_kafka("dsr.verifier", BLUE, running=(BLUE,)))
