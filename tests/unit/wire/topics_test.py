"""The topics table: legal names, one each, and only parties that exist."""

from __future__ import annotations

import re

import pytest

from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_wire import topics
from dsr_wire.topics import (
    ACKNOWLEDGEMENTS,
    CHECKPOINTS,
    CLOSURES,
    NOTICE_RIGHTS,
    REGISTRY,
    SUPPRESSIONS,
    Cleanup,
    Topic,
    all_topics,
    dead_letter,
    dead_letter_name,
    is_dead_letter,
    notice_topic,
    organisation_principal,
    origin_of,
)
from support.builders import a_registry, a_system

LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")
LONGEST = "o" * 48
WIDE: Registry = a_registry(a_system("a"), a_system("b", "example-mail"), a_system("c", LONGEST))
EVERY = all_topics(WIDE)
SERVICES = {"intake", "fanout", "verifier", "operator"}
ORGANISATIONS = {organisation_principal(one.id) for one in WIDE.organisations}


@pytest.mark.parametrize("topic", EVERY, ids=lambda topic: topic.name)
def test_a_topic_s_name_is_legal_and_has_a_version(topic: Topic) -> None:
    assert LEGAL.fullmatch(topic.name)
    assert re.fullmatch(r"dsr\.[a-z0-9.-]+\.v1(\.dead-letter)?", topic.name)


@pytest.mark.parametrize("topic", EVERY, ids=lambda topic: topic.name)
def test_a_topic_s_producers_and_consumers_are_known(topic: Topic) -> None:
    assert {*topic.producers, *topic.consumers} <= SERVICES | ORGANISATIONS
    assert topic.consumers


def test_names_are_unique_even_where_kafka_s_metrics_fold_them() -> None:
    folded = [topic.name.replace(".", "_") for topic in EVERY]
    assert len(set(folded)) == len(folded)
    assert not any("_" in topic.name for topic in EVERY)


def test_every_topic_has_its_dead_letter_topic_and_that_has_none() -> None:
    letters = {topic.name for topic in EVERY if is_dead_letter(topic.name)}
    others = {topic.name for topic in EVERY if not is_dead_letter(topic.name)}
    assert letters == {dead_letter_name(name) for name in others}
    assert others == {origin_of(name) for name in letters}


def test_only_those_who_refuse_write_dead_letters() -> None:
    for topic in EVERY:
        if not is_dead_letter(topic.name):
            assert dead_letter(topic).producers == topic.consumers
            assert dead_letter(topic).consumers == ("intake", "operator")


def test_every_organisation_with_a_system_has_a_topic_a_right() -> None:
    names = {topic.name for topic in EVERY}
    for organisation in WIDE.organisations:
        for right in NOTICE_RIGHTS:
            assert notice_topic(right, organisation.id).name in names


def test_an_organisation_reads_its_own_notices_only() -> None:
    topic = notice_topic(Right.DELETION, "example-mail")
    assert topic.name == "dsr.deletion.example-mail.v1"
    assert topic.consumers == ("organisation.example-mail",)
    assert notice_topic(Right.OPT_OUT, "example-mail").name == "dsr.opt-out.example-mail.v1"


def test_the_registry_is_compacted_kept_for_ever_and_in_one_order() -> None:
    assert (REGISTRY.cleanup, REGISTRY.retention, REGISTRY.partitions) == (Cleanup.COMPACT, None, 1)


def test_no_other_topic_is_kept_for_ever() -> None:
    assert [topic.name for topic in EVERY if topic.retention is None] == [
        REGISTRY.name,
        CHECKPOINTS.name,
        SUPPRESSIONS.name,
    ]


def test_only_the_suppression_list_is_open_to_every_organisation() -> None:
    assert [topic.name for topic in EVERY if topic.is_open] == [SUPPRESSIONS.name]


def test_who_speaks_on_what_is_design_s_table() -> None:
    assert CLOSURES.producers == (topics.VERIFIER,)
    assert ACKNOWLEDGEMENTS.consumers == (topics.VERIFIER,)
    assert topics.REQUESTS.producers == topics.COMMANDS.producers == (topics.INTAKE,)
    assert topics.OBLIGATIONS.consumers == (topics.VERIFIER,)
    assert topics.LIFECYCLE.consumers == (topics.FANOUT, topics.OPERATOR)
    assert topics.ESCALATIONS.producers == (topics.FANOUT, topics.INTAKE)
    assert topics.AUDIT.producers == (topics.INTAKE,)
    assert topics.AUDIT.consumers == (topics.VERIFIER, topics.OPERATOR)


def test_every_change_of_a_key_outlasts_a_verifier_that_is_away() -> None:
    assert REGISTRY.compaction_lag is not None
    assert REGISTRY.compaction_lag.days >= 7


def test_the_newest_checkpoint_is_there_for_ever() -> None:
    assert (CHECKPOINTS.cleanup, CHECKPOINTS.partitions) == (Cleanup.COMPACT, 1)
