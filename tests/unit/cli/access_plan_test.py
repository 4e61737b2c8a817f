"""What leads from the access that Kafka has to the access that it should have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsr_cli.group.access import grants
from dsr_cli.group.access_plan import Access, differences, intended
from dsr_cli.kafka.access import Entry
from dsr_core.registry import Registry
from support.parts import example_registry

READS_CLOSURES = Entry(
    principal="User:organisation.cloud-uk",
    resource="topic",
    pattern="literal",
    name="dsr.closures.v1",
    operation="read",
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return example_registry()


@pytest.fixture
def wanted(registry: Registry) -> Access:
    return intended(registry)


def also(access: Access, *entries: Entry) -> Access:
    return replace(access, entries=access.entries | set(entries))


def test_what_is_as_it_should_be_asks_for_nothing(wanted: Access) -> None:
    assert not differences(wanted, wanted)


def test_an_empty_cluster_gets_everything_and_loses_nothing(wanted: Access) -> None:
    changes = differences(wanted, Access(frozenset(), frozenset(), {}))
    assert (changes.new_users, changes.granted) == (wanted.users, wanted.entries)
    assert changes.quotas == wanted.quotas
    assert not changes.revoked | changes.removed_users


def test_what_nobody_should_have_is_taken_back(wanted: Access) -> None:
    changes = differences(wanted, also(wanted, READS_CLOSURES))
    assert changes.revoked == {READS_CLOSURES}
    assert not changes.granted


@pytest.mark.parametrize(
    "change",
    [
        {"principal": "User:reporting"},
        {"principal": "User:*"},
        {"principal": "User:organisations"},
        {"principal": "Group:organisation.cloud-uk"},
        {"permission": "deny"},
        {"resource": "unknown"},
        {"operation": "unknown"},
    ],
)
def test_what_is_not_ours_or_forbids_is_left_alone(wanted: Access, change: dict[str, str]) -> None:
    entry = replace(READS_CLOSURES, **change)
    changes = differences(wanted, also(wanted, entry))
    assert not changes
    assert changes.left_alone == {entry}


def test_a_right_from_one_host_alone_is_not_the_right_that_is_wanted(wanted: Access) -> None:
    entry = min(wanted.entries)
    elsewhere = replace(entry, host="192.0.2.1")
    found = replace(wanted, entries=(wanted.entries - {entry}) | {elsewhere})
    changes = differences(wanted, found)
    assert (changes.granted, changes.revoked) == ({entry}, {elsewhere})


def test_an_organisation_that_left_loses_login_rights_and_quota(
    registry: Registry, wanted: Access
) -> None:
    gone = "organisation.cloud-uk"
    smaller = replace(
        registry,
        systems=tuple(one for one in registry.systems if one.organisation_id != "cloud-uk"),
    )
    changes = differences(intended(smaller), wanted)
    assert changes.removed_users == {gone}
    assert {one.user for one in changes.revoked if one.name.startswith("dsr.organisation")} == {
        gone
    }
    assert changes.quotas == {gone: dict.fromkeys(wanted.quotas[gone])}
    assert not changes.granted | changes.new_users


def test_logins_of_others_and_their_quotas_stay(wanted: Access) -> None:
    found = Access(
        wanted.users | {"admin", "reporting"},
        wanted.entries,
        {**wanted.quotas, "reporting": {"producer_byte_rate": 1.0}},
    )
    assert not differences(wanted, found)


def test_another_quota_changes_what_differs_alone(registry: Registry, wanted: Access) -> None:
    tighter = intended(registry, {"producer_byte_rate": 1000.0})
    changes = differences(tighter, wanted)
    assert changes.quotas.keys() == wanted.quotas.keys()
    assert changes.quotas["organisation.cloud-uk"] == {
        "producer_byte_rate": 1000.0,
        "consumer_byte_rate": None,
    }


def test_no_service_writes_what_is_another_services(registry: Registry) -> None:
    writers = {
        topic: {
            one.principal
            for one in grants(registry)
            if one.name == topic and "write" in one.operations
        }
        for topic in ("dsr.closures.v1", "dsr.obligations.v1", "dsr.requests.v1")
    }
    assert writers == {
        "dsr.closures.v1": {"verifier", "operator"},
        "dsr.obligations.v1": {"fanout", "operator"},
        "dsr.requests.v1": {"intake", "operator"},
    }
