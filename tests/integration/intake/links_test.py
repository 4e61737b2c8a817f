"""What systems find out about persons: taken in, judged, used, decided about by people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from integration.intake.closures_test import a_record, answered
from integration.intake.sealing_test import opened, seal

from dsr_cli.stack import Stack
from dsr_contracts.v1 import notices_pb2
from dsr_core.identity import Identifier
from dsr_core.ids import RequestId, SystemId
from dsr_core.linking import Link, LinkProof
from dsr_core.resolving import Confidence
from dsr_core.rights import Right
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.decisions import IdentityExpanded
from dsr_wire.codec.links import LinksFound, links_found_to_wire
from dsr_wire.envelope import encode
from dsr_wire.link_keys import seal_links
from dsr_wire.sealing import Opener
from dsr_wire.topics import LINKS, dead_letter_name
from support.builders import MARKER, an_id
from support.decisions import INTERNAL, commands, decide, shown
from support.intake import Intake, Topics, VerifierDouble
from support.parts import keys_of
from support.submissions import a_submission
from support.waiting import eventually

BASE = "/v1/subject-requests"
RESOLVER, BLIND = "accounts", "identity-checks"


def a_link(
    value: str, kind: str = "account_id", confidence: Confidence = Confidence.VERIFIED
) -> Link:
    return Link(Identifier.of(kind, value), "email", confidence, LinkProof.SAME_LOGIN)


async def asked(intake: Intake, number: int, **changes: Any) -> dict[str, Any]:
    """A request that names nobody by an account."""
    person = [{"kind": "email", "value": f"{MARKER}-links-{number}@example.com"}]
    body = a_submission(number, **{"identity": person, **changes})
    one: dict[str, Any] = (await intake.http.post(BASE, json=body)).json()
    return one


async def notices(intake: Intake, one: dict[str, Any], *systems: str) -> list[Any]:
    answer = await seal(intake, one["id"], one["registry_digest"], list(systems))
    assert answer.status_code == httpx.codes.OK, answer.text
    return list(notices_pb2.SealResponse.FromString(answer.content).systems)


async def accounts_told(intake: Intake, stack: Stack, one: dict[str, Any]) -> tuple[str, ...]:
    """Which accounts the system that knows nothing else is told of."""
    [notice] = await notices(intake, one, BLIND)
    return opened(notice, stack, BLIND)[one["id"]].values("account_id")


async def link_key(intake: Intake, stack: Stack, one: dict[str, Any]) -> bytes:
    """The key that comes with the identity to a system that resolves."""
    [notice] = await notices(intake, one, RESOLVER)
    right = Right(one["right"])
    opener = Opener(
        notice.sealed_key, system_id=RESOLVER, right=right, key=keys_of(stack, RESOLVER).sealing
    )
    sealed = notice.identities[0].sealed
    return opener.open_addressed(sealed, request_id=one["id"]).link_key


def found(
    one: dict[str, Any], key: bytes, *links: Link, system: str = RESOLVER, sequence: int = 1
) -> LinksFound:
    request_id = RequestId(one["id"])
    sealed = seal_links(links, link_key=key, request_id=request_id, system_id=SystemId(system))
    return LinksFound(
        request_id=request_id,
        system_id=SystemId(system),
        sequence=sequence,
        answered_at=datetime.now(UTC),
        sealed=sealed,
    )


async def tell(publisher: Publisher, many: Sequence[LinksFound]) -> None:
    await publisher.publish(
        [
            encode(
                links_found_to_wire(one),
                topic=LINKS.name,
                key=one.request_id,
                event_id=f"{one.request_id}/{one.system_id}/{one.sequence}",
                source="verifier",
                at=datetime.now(UTC),
            )
            for one in many
        ]
    )


async def outcomes(intake: Intake, one: dict[str, Any], count: int = 1) -> list[tuple[str, ...]]:
    """What became of links, once all that was told was taken in."""

    async def are_taken() -> bool:
        taken = await intake.pool.fetchval(
            "select count(*) from intake.link_answers where request_id = $1", one["id"]
        )
        return bool(taken >= count)

    await eventually(are_taken)
    path = f"{INTERNAL}/subject-requests/{one['id']}/links"
    steps = (await intake.http.get(path, headers=intake.desk)).json()["links"]
    return [(each["system_id"], each["outcome"], each["reason"]) for each in steps]


async def test_a_verified_link_is_used_and_who_lacked_it_is_told_anew(
    intake: Intake, stack: Stack, publisher: Publisher, topics: Topics
) -> None:
    one = await asked(intake, 1)
    key = await link_key(intake, stack, one)
    assert await accounts_told(intake, stack, one) == ()
    await tell(publisher, [found(one, key, a_link(f"A-{MARKER}-1"))])
    assert await outcomes(intake, one) == [(RESOLVER, "used", "undisputed")]
    assert await accounts_told(intake, stack, one) == (f"A-{MARKER}-1",)
    [command] = await commands(topics, one["cohort_id"])
    assert command.decision == IdentityExpanded((SystemId(BLIND),))
    assert (await shown(intake, one["id"]))["state"] == "open"


async def test_the_same_links_again_change_nothing_and_nobody_is_told_twice(
    intake: Intake, stack: Stack, publisher: Publisher, topics: Topics
) -> None:
    one = await asked(intake, 2)
    key = await link_key(intake, stack, one)
    await accounts_told(intake, stack, one)
    links = found(one, key, a_link(f"A-{MARKER}-2"))
    await tell(publisher, [links, links])
    again = found(one, key, a_link(f"A-{MARKER}-2"), sequence=2)
    await tell(publisher, [again, links])
    assert await outcomes(intake, one, 2) == [(RESOLVER, "used", "undisputed")]
    await accounts_told(intake, stack, one)
    last = found(one, key, a_link(f"A-{MARKER}-2"), sequence=3)
    await tell(publisher, [last])
    await outcomes(intake, one, 3)
    assert len(await commands(topics, one["cohort_id"])) == 1


async def test_two_values_wait_for_two_people_where_something_is_erased(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    one = await asked(intake, 3)
    key = await link_key(intake, stack, one)
    values = [f"A-{MARKER}-3", f"A-{MARKER}-33"]
    await tell(publisher, [found(one, key, *map(a_link, values))])
    assert await outcomes(intake, one) == [(RESOLVER, "conflict", "two_values")] * 2
    assert await accounts_told(intake, stack, one) == ()
    listed = (await intake.http.get(f"{INTERNAL}/links", headers=intake.desk)).json()["links"]
    mine = [each["id"] for each in listed if each["request_id"] == one["id"]]
    assert len(mine) == 2
    assert MARKER not in str(listed)
    path, why = f"links/{mine[0]}/acceptance", "the team has asked the person"
    first = await decide(intake, one["id"], path, reason=why)
    assert first.json()["decided"] is False
    assert await accounts_told(intake, stack, one) == ()
    same = await decide(intake, one["id"], path, reason=why)
    assert same.json()["type"].endswith("same_person")
    second = await decide(intake, one["id"], path, by=intake.counsel, reason=why)
    assert second.json()["decided"] is True
    [told] = await accounts_told(intake, stack, one)
    assert told in values
    done = await decide(intake, one["id"], path, by=intake.counsel, reason=why)
    assert done.json()["type"].endswith("link_decided")
    verdicts = {(reason, outcome) for _, outcome, reason in await outcomes(intake, one)}
    assert verdicts >= {("by_people", "used"), ("by_people", "refused")}
    actions = await intake.pool.fetch(
        "select action from intake.audit where $1 = any(targets) order by at", mine[0]
    )
    assert [row["action"] for row in actions] == ["link.accept", "link.accept"]


async def test_one_person_refuses_and_the_other_value_is_used(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    one = await asked(intake, 4)
    key = await link_key(intake, stack, one)
    values = [f"A-{MARKER}-4", f"A-{MARKER}-44"]
    await tell(publisher, [found(one, key, *map(a_link, values))])
    await outcomes(intake, one)
    path = f"{INTERNAL}/subject-requests/{one['id']}/links"
    listed = (await intake.http.get(path, headers=intake.desk)).json()["links"]
    verdict = await decide(
        intake, one["id"], f"links/{listed[0]['id']}/refusal", reason="a colleague's"
    )
    assert verdict.json()["decided"] is True
    assert len(await accounts_told(intake, stack, one)) == 1


async def test_what_another_open_person_is_known_by_is_not_used(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-5"
    theirs = [
        {"kind": "email", "value": f"{MARKER}-other@example.com"},
        {"kind": "account_id", "value": account},
    ]
    await asked(intake, 55, identity=theirs)
    one = await asked(intake, 5)
    key = await link_key(intake, stack, one)
    await tell(publisher, [found(one, key, a_link(account))])
    assert await outcomes(intake, one) == [(RESOLVER, "conflict", "another_person")]
    assert await accounts_told(intake, stack, one) == ()


async def test_another_request_of_the_same_person_is_no_conflict(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-6"
    both = [
        {"kind": "email", "value": f"{MARKER}-links-6@example.com"},
        {"kind": "account_id", "value": account},
    ]
    await asked(intake, 66, identity=both, right="access")
    one = await asked(intake, 6)
    key = await link_key(intake, stack, one)
    await tell(publisher, [found(one, key, a_link(account))])
    assert await outcomes(intake, one) == [(RESOLVER, "used", "undisputed")]


async def test_what_a_hold_on_a_person_names_is_not_used(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-7"
    placed = await intake.http.post(
        f"{INTERNAL}/holds",
        headers=intake.desk,
        json={
            "person": [{"kind": "account_id", "value": account}],
            "authority": "a court",
            "reason": "a case",
        },
    )
    assert placed.status_code == httpx.codes.CREATED, placed.text
    one = await asked(intake, 7)
    key = await link_key(intake, stack, one)
    await tell(publisher, [found(one, key, a_link(account))])
    assert await outcomes(intake, one) == [(RESOLVER, "conflict", "under_hold")]


@pytest.mark.parametrize(
    "case",
    [
        ("support-desk", a_link(f"A-{MARKER}-8"), "not_stated"),
        (RESOLVER, a_link("+4915112345678", "phone"), "not_stated"),
        (RESOLVER, a_link(f"A-{MARKER}-8", confidence=Confidence.PROBABLE), "too_weak"),
    ],
)
async def test_what_the_registry_does_not_state_and_what_is_weak_is_refused(
    intake: Intake, stack: Stack, publisher: Publisher, case: tuple[str, Link, str]
) -> None:
    system, link, reason = case
    one = await asked(intake, 8)
    key = await link_key(intake, stack, one)
    await tell(publisher, [found(one, key, link, system=system)])
    assert await outcomes(intake, one) == [(system, "refused", reason)]
    assert await accounts_told(intake, stack, one) == ()


async def test_links_of_another_request_another_system_or_nobody_are_refused_whole(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    one, other = await asked(intake, 9), await asked(intake, 99)
    key = await link_key(intake, stack, one)
    theirs = await link_key(intake, stack, other)
    sealed = found(one, key, a_link(f"A-{MARKER}-9")).sealed
    elsewhere = found(other, theirs, a_link(f"A-{MARKER}-9"))
    forged = [
        LinksFound(
            request_id=RequestId(one["id"]),
            system_id=SystemId(system),
            sequence=number,
            answered_at=datetime.now(UTC),
            sealed=content,
        )
        for number, (system, content) in enumerate(
            [(RESOLVER, elsewhere.sealed), ("billing", sealed), (RESOLVER, b"x" * 600)], start=1
        )
    ]
    await tell(publisher, forged)
    assert await outcomes(intake, one, 3) == []
    said = await intake.pool.fetch(
        "select distinct outcome from intake.link_answers where request_id = $1", one["id"]
    )
    assert [row["outcome"] for row in said] == ["cannot_open"]


async def test_links_to_a_request_that_is_not_known_are_dead_lettered(
    intake: Intake, publisher: Publisher, topics: Topics
) -> None:
    one = {"id": an_id(4711)}
    await tell(publisher, [found(one, bytes(range(1, 33)), a_link("A"))])
    [letter] = await topics.find(dead_letter_name(LINKS.name), {one["id"]}, 1)
    assert letter.key.decode() == one["id"]
    assert intake.url


async def test_links_to_a_request_that_has_ended_are_not_opened(
    intake: Intake, stack: Stack, publisher: Publisher, verifier: VerifierDouble
) -> None:
    one = await asked(intake, 10)
    key = await link_key(intake, stack, one)
    verifier.keeps(one["id"])
    await publisher.publish([a_record(one["cohort_id"], one["id"])])
    await answered(intake, one["id"])
    await tell(publisher, [found(one, key, a_link(f"A-{MARKER}-10"))])
    assert await outcomes(intake, one) == []
    said = await intake.pool.fetchval(
        "select outcome from intake.link_answers where request_id = $1", one["id"]
    )
    assert said == "ended"


async def test_links_on_their_way_are_waited_for_and_not_for_ever(
    intake: Intake, stack: Stack, verifier: VerifierDouble
) -> None:
    one = await asked(intake, 11)
    told = {"request_id": one["id"], "told": 1, "last_told_at": datetime.now(UTC).isoformat()}
    verifier.links_told[one["id"]] = told
    systems = [BLIND]
    early = await seal(intake, one["id"], one["registry_digest"], systems)
    assert early.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert (await seal(intake, one["id"], one["registry_digest"], [RESOLVER])).status_code == 200
    long_ago = datetime.now(UTC) - timedelta(minutes=11)
    verifier.links_told[one["id"]] = told | {"last_told_at": long_ago.isoformat()}
    assert await accounts_told(intake, stack, one) == ()


async def test_no_value_of_a_link_stands_in_a_table(intake: Intake) -> None:
    for table in ("link_answers", "link_steps", "link_rulings", "told_without"):
        rows = await intake.pool.fetch(f"select * from intake.{table}")
        assert MARKER not in str([dict(row) for row in rows])
