"""Every login of the group on a real broker: it may do what docs/security.md says, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
from confluent_kafka import KafkaException

from dsr_cli.group.access import principals
from dsr_cli.group.access_plan import apply, differences, intended, present
from dsr_cli.group.provision import kafka_admin, provision
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.stack import Stack, create_users
from dsr_core.registry import Registry
from dsr_wire.topics import INTAKE, OPERATOR, all_topics, organisation_principal
from support.kafka_attempts import TOPIC_OPERATIONS, Attempts
from support.parts import ROOT, example_registry

STRANGER = "a-stranger"
ROW = re.compile(r"^\| `(?P<login>[^`]+)` \|(?P<cells>.*)\|$", re.MULTILINE)
BEGIN, END = "<!-- kafka rights", "<!-- end of kafka rights"


@dataclass(frozen=True)
class Rights:
    """One login's, as the document shows them."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    cluster: frozenset[str] = frozenset()


def documented(registry: Registry) -> dict[str, Rights]:
    """Return the document's table, each organisation's name in place of the one for all."""
    text = (ROOT / "docs" / "security.md").read_text()
    table = text[text.index(BEGIN) : text.index(END)]
    owners = sorted({one.organisation_id for one in registry.systems})
    found: dict[str, Rights] = {}
    for row in ROW.finditer(table):
        cells = [cell.replace("`", "").strip() for cell in row["cells"].split("|")]
        sets = [frozenset(cell.split(", ")) - {"none"} for cell in cells]
        if "<organisation>" in row["login"]:
            for owner in owners:
                own = [
                    frozenset(name.replace("<organisation>", owner) for name in one) for one in sets
                ]
                found[row["login"].replace("<organisation>", owner)] = Rights(*own)
        else:
            found[row["login"]] = Rights(*(_expanded(one, owners) for one in sets))
    return found


def _expanded(names: frozenset[str], owners: list[str]) -> frozenset[str]:
    return frozenset(name.replace("<organisation>", owner) for name in names for owner in owners)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return example_registry()


@pytest.fixture(scope="module")
def topics(registry: Registry) -> list[str]:
    return [one.name for one in all_topics(registry)]


@pytest.fixture(scope="module")
def provisioned(stack: Stack, registry: Registry, topics: list[str]) -> Stack:
    """A stack with the group's topics, a record in each, and a login without any right."""
    provision(stack, registry)
    create_users(stack, [STRANGER])
    admin = kafka_admin(stack)
    producer = admin.producer()
    for name in topics:
        producer.produce(name, b"first", b"first", partition=0)
    assert producer.flush(30) == 0
    return stack


def login(stack: Stack, name: str) -> KafkaAdmin:
    """Return the connection of one login."""
    credentials = create_users(stack, [name])[name]
    return replace(kafka_admin(stack), username=credentials.username, password=credentials.password)


def test_the_document_has_every_login(registry: Registry) -> None:
    assert documented(registry).keys() == set(principals(registry))


def test_each_login_may_do_what_the_table_says_and_nothing_else(
    provisioned: Stack, registry: Registry, topics: list[str]
) -> None:
    table = {**documented(registry), STRANGER: Rights()}
    wrong: list[str] = []
    tried = 0
    for name, rights in table.items():
        attempts = Attempts(login(provisioned, name))
        may = {
            "read": rights.reads,
            "write": rights.writes,
            "create": frozenset(topics) if "create" in rights.cluster else frozenset(),
        }
        found = attempts.on_topics(topics)
        assert found.keys() == set(TOPIC_OPERATIONS)
        for operation, outcomes in found.items():
            tried += len(outcomes)
            allowed = {topic for topic, is_done in outcomes.items() if is_done}
            if allowed != may.get(operation, frozenset()):
                surplus = allowed ^ may.get(operation, frozenset())
                wrong.append(f"{name} {operation}: {sorted(surplus)}")
    assert wrong == []
    assert tried == len(table) * len(topics) * len(TOPIC_OPERATIONS)


def test_each_login_has_its_own_consumer_groups_alone(
    provisioned: Stack, registry: Registry, topics: list[str]
) -> None:
    table = {**documented(registry), STRANGER: Rights()}
    groups = {name: f"dsr.{name}.tried" for name in table}
    for name, rights in table.items():
        topic = min(rights.reads, default=topics[0])
        found = Attempts(login(provisioned, name)).on_groups(groups.values(), topic)
        own = {
            group
            for group in groups.values()
            if any(group.startswith(prefix.removesuffix("*")) for prefix in rights.groups)
        }
        assert own == ({groups[name]} if name != STRANGER else set())
        # Intake's console shows how far each group is.
        shown = set(groups.values()) if name == INTAKE else own
        for operation, expected in (("describe", shown), ("read", own), ("delete", set())):
            allowed = {group for group, is_done in found[operation].items() if is_done}
            assert allowed == expected, (name, operation)


def test_the_cluster_is_the_operators_alone(provisioned: Stack, registry: Registry) -> None:
    table = {**documented(registry), STRANGER: Rights()}
    assert [name for name, rights in table.items() if rights.cluster] == [OPERATOR]
    for name in table:
        found = Attempts(login(provisioned, name)).on_the_cluster()
        assert set(found.values()) == {name == OPERATOR}, (name, found)
    # What the operator granted itself is seen, and taken back.
    admin = kafka_admin(provisioned)
    changes = differences(intended(registry), present(admin))
    assert {one.name for one in changes.revoked} == {"a-topic-of-nobody"}
    apply(admin, changes, _no_password)
    assert not differences(intended(registry), present(admin))


def test_nobody_has_a_transactional_id(provisioned: Stack, registry: Registry) -> None:
    for name in principals(registry):
        assert not Attempts(login(provisioned, name)).begins_transactions(f"dsr.{name}.tried")


@pytest.mark.parametrize("name", ["organisation.cloud-uk", "organisation.nobody", "intake"])
def test_a_forged_login_gets_nowhere(provisioned: Stack, name: str) -> None:
    forged = replace(kafka_admin(provisioned), username=name, password="guessed")
    with pytest.raises(KafkaException):
        forged.client().list_topics(timeout=2)


def test_an_organisation_that_left_is_shut_out_while_connected(
    provisioned: Stack, registry: Registry
) -> None:
    admin = kafka_admin(provisioned)
    name = organisation_principal("cloud-uk")
    theirs = login(provisioned, name)
    producer = theirs.producer()
    outcomes: list[object] = []

    def answer() -> object:
        producer.produce(
            "dsr.acknowledgements.v1",
            b"v",
            b"k",
            on_delivery=lambda error, _: outcomes.append(error),
        )
        producer.flush(20)
        return outcomes[-1]

    assert answer() is None
    smaller = replace(
        registry,
        systems=tuple(one for one in registry.systems if one.organisation_id != "cloud-uk"),
    )
    apply(admin, differences(intended(smaller), present(admin)), _no_password)
    try:
        assert "AUTHORIZATION_FAILED" in str(answer())
        with pytest.raises(KafkaException):
            theirs.client().list_topics(timeout=2)
        assert not differences(intended(smaller), present(admin))
    finally:
        provision(provisioned, registry)


def _no_password(user: str) -> str:
    raise AssertionError(f"{user} is no new login")
