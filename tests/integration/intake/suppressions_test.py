"""The suppression list on the real PostgreSQL and Kafka: who comes onto it, when, and off it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from integration.intake.audit_test import entries
from integration.intake.authority_test import authorise
from integration.intake.closures_test import a_record, answered
from integration.intake.identity_test import prove
from integration.intake.links_test import (
    RESOLVER,
    a_link,
    accounts_told,
    asked,
    found,
    link_key,
    outcomes,
    tell,
)
from integration.intake.shared_links_test import waits

from dsr_cli.reconcile import mending
from dsr_cli.reconcile.told import State, Told
from dsr_cli.stack import Stack
from dsr_core.closing import Outcome
from dsr_core.ids import RequestId
from dsr_core.suppressions import Suppression
from dsr_intake.adapters import suppressions
from dsr_intake.adapters.suppressions import PostgresSuppressions
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.suppressions import suppression_key
from dsr_wire.suppression import SuppressionKey
from dsr_wire.topics import SUPPRESSIONS
from support.builders import MARKER
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.submissions import a_submission, ndjson
from support.waiting import eventually

BASE = "/v1/subject-requests"
CHECK = "/v1/suppressions/check"
KEY = SuppressionKey(b"suppression".ljust(32))
OPT_OUT = {"right": "opt_out", "identity_attested": False}


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    folder = tmp_path_factory.mktemp("keys")
    file = folder / "suppression"
    file.write_text("c3VwcHJlc3Npb24gICAgICAgICAgICAgICAgICAgICA=")
    async with running_intake(
        kafka, database, verifier.url, folder, suppression_key_file=file
    ) as running:
        yield running


def email(number: int) -> str:
    return str(a_submission(number)["identity"][0]["value"])


async def submitted(intake: Intake, number: int, **changes: Any) -> str:
    answer = await intake.http.post(BASE, json=a_submission(number, **changes))
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return str(answer.json()["id"])


async def listed(intake: Intake, number: int) -> list[str]:
    """Return what the list has of a person's address."""
    body = {"identifiers": [{"kind": "email", "value": email(number).upper()}]}
    answer = await intake.http.post(CHECK, json=body, headers=intake.desk)
    assert answer.status_code == httpx.codes.OK, answer.text
    [row] = answer.json()["rows"]
    return [one["kind"] for one in row]


async def test_an_opt_out_is_listed_at_once_and_kafka_is_told(
    intake: Intake, topics: Topics
) -> None:
    await submitted(intake, 1, **OPT_OUT)
    assert await listed(intake, 1) == ["marketing", "sale_or_sharing"]
    assert await listed(intake, 2) == []
    digest = KEY.digest("email", email(1))
    answer = await intake.http.post(
        CHECK, json={"digests": ["0" * 32, digest.hex()]}, headers=intake.desk
    )
    assert [len(one) for one in answer.json()["rows"]] == [0, 2]
    keys = {f"{kind}/{digest.hex()}" for kind in ("marketing", "sale_or_sharing")}
    records = await topics.find(SUPPRESSIONS.name, keys, 2)
    assert all(email(1).encode() not in record.value for record in records)
    sizes = (await intake.http.get("/internal/v1/suppressions", headers=intake.desk)).json()
    assert {one["kind"] for one in sizes["lists"]} >= {"marketing", "sale_or_sharing"}
    assert {one["key_id"] for one in sizes["lists"]} == {KEY.name}


async def test_a_line_of_a_batch_is_listed_as_well(intake: Intake) -> None:
    line = a_submission(3, **OPT_OUT, idempotency_key="listed-3")
    await intake.http.post(
        f"{BASE}:batch", content=ndjson([line]), headers={"content-type": "application/x-ndjson"}
    )
    assert await listed(intake, 3) == ["marketing", "sale_or_sharing"]


async def test_whom_an_agent_names_without_leave_is_not_listed(intake: Intake) -> None:
    agent = {"role": "authorised_agent"}
    await submitted(intake, 4, **OPT_OUT, jurisdiction="US-CA", requester=agent)
    assert await listed(intake, 4) == []


async def test_an_opt_out_that_is_not_followed_leaves_the_list_and_the_topic(
    intake: Intake, publisher: Publisher, topics: Topics
) -> None:
    request_id = await submitted(intake, 5, **OPT_OUT)
    key = f"marketing/{KEY.digest('email', email(5)).hex()}"
    await topics.find(SUPPRESSIONS.name, {key}, 1)
    await publisher.publish([a_record(request_id, request_id, outcome=Outcome.WITHDRAWN)])
    await answered(intake, request_id)
    assert await listed(intake, 5) == []
    records = await topics.find(SUPPRESSIONS.name, {key}, 2)
    assert [record.value is None for record in records] == [False, True]

    async def is_forgotten() -> bool:
        count = await intake.pool.fetchval(
            "select count(*) from intake.suppressions where request_id = $1", request_id
        )
        return bool(count == 0)

    await eventually(is_forgotten)


@pytest.mark.parametrize(
    ("number", "outcome", "expected"),
    [
        (6, Outcome.FULFILLED, ["re_import"]),
        (7, Outcome.PARTLY_FULFILLED, ["re_import"]),
        (8, Outcome.REFUSED, []),
        (9, Outcome.WITHDRAWN, []),
    ],
)
async def test_who_was_erased_is_listed_at_the_closing_and_nothing_is_kept_to_do_it_with(
    intake: Intake,
    verifier: VerifierDouble,
    publisher: Publisher,
    *,
    number: int,
    outcome: Outcome,
    expected: list[str],
) -> None:
    request_id = await submitted(intake, number)
    verifier.keeps(request_id)
    assert await listed(intake, number) == []
    await publisher.publish([a_record(request_id, request_id, outcome=outcome)])
    await answered(intake, request_id)
    assert await listed(intake, number) == expected
    left = await intake.pool.fetchval(
        "select suppression_digests from intake.subject_requests where id = $1", request_id
    )
    assert left == []


@pytest.mark.parametrize(
    ("number", "outcome", "expected"),
    [(115, Outcome.PARTLY_FULFILLED, ["re_import"]), (116, Outcome.REFUSED, [])],
)
async def test_who_was_erased_is_listed_where_the_answer_is_mended_after_a_restore(
    intake: Intake, database: str, *, number: int, outcome: Outcome, expected: list[str]
) -> None:
    request_id = RequestId(await submitted(intake, number))
    told = Told()
    told.states[request_id].append(State("answered", outcome, datetime.now(UTC)))
    connection = await asyncpg.connect(database)
    try:
        await mending._answer(connection, [request_id], told)
    finally:
        await connection.close()
    assert await listed(intake, number) == expected


async def test_what_a_listed_person_is_known_by_is_not_used_for_another(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-listed"
    theirs = [
        {"kind": "email", "value": email(14)},
        {"kind": "account_id", "value": account},
    ]
    erased = await submitted(intake, 14, identity=theirs)
    await publisher.publish([a_record(erased, erased)])
    await answered(intake, erased)
    assert await listed(intake, 14) == ["re_import"]
    one = await asked(intake, 15)
    links = found(one, await link_key(intake, stack, one), a_link(account))
    await tell(publisher, [links])
    assert await outcomes(intake, one) == [(RESOLVER, "conflict", "another_person")]
    assert await accounts_told(intake, stack, one) == ()


async def test_a_part_of_the_data_lists_nobody(intake: Intake, publisher: Publisher) -> None:
    scope = {"categories": ["user.contact"]}
    request_id = await submitted(intake, 10, scope=scope)
    await publisher.publish([a_record(request_id, request_id)])
    await answered(intake, request_id)
    await submitted(intake, 10, **OPT_OUT, scope=scope)
    assert await listed(intake, 10) == []
    young = await submitted(intake, 12, scope={"since": "2025-03-01"})
    await publisher.publish([a_record(young, young)])
    await answered(intake, young)
    assert await listed(intake, 12) == []


async def test_whoever_opts_out_of_one_use_is_listed_for_that_use(intake: Intake) -> None:
    scope = {"uses": ["sale_or_sharing"]}
    request_id = await submitted(intake, 13, **OPT_OUT, scope=scope)
    assert await listed(intake, 13) == ["sale_or_sharing"]
    shown = (await intake.http.get(f"{BASE}/{request_id}")).json()["scope"]
    assert (shown["uses"], shown["since"]) == (["sale_or_sharing"], None)
    await submitted(intake, 13, **OPT_OUT)
    assert sorted(await listed(intake, 13)) == ["marketing", "sale_or_sharing"]


async def test_who_opts_in_with_a_proof_is_off_the_list_and_can_come_back(intake: Intake) -> None:
    await submitted(intake, 11, **OPT_OUT)
    body = {
        "identity": [{"kind": "email", "value": email(11)}],
        "kinds": ["marketing"],
        "reference": "consents/11",
        "given_on": "2026-03-02",
    }
    shop = await intake.client(scopes=["suppressions:lift"])
    answer = await intake.http.post("/v1/suppressions/opt-in", json=body, headers=shop)
    assert (answer.status_code, answer.json()) == (httpx.codes.OK, {"ended": 1})
    assert await listed(intake, 11) == ["sale_or_sharing"]
    kept = await intake.pool.fetchrow(
        "select * from intake.opt_ins where reference = 'consents/11'"
    )
    assert (list(kept["kinds"]), len(kept["digests"])) == (["marketing"], 1)
    await submitted(intake, 11, **OPT_OUT)
    assert await listed(intake, 11) == ["marketing", "sale_or_sharing"]
    assert await entries(intake, target="consents/11") == [], "programs' doing is not entered"


async def opted_in(intake: Intake, number: int, *kinds: str) -> None:
    body = {
        "identity": [{"kind": "email", "value": email(number)}],
        "kinds": kinds,
        "reference": f"consents/{number}",
        "given_on": "2026-03-02",
    }
    shop = await intake.client(scopes=["suppressions:lift"])
    answer = await intake.http.post("/v1/suppressions/opt-in", json=body, headers=shop)
    assert answer.status_code == httpx.codes.OK, answer.text


async def followed(intake: Intake, publisher: Publisher, request_id: str) -> None:
    await publisher.publish([a_record(request_id, request_id)])
    await answered(intake, request_id)


async def test_an_opt_in_stands_when_an_older_opt_out_is_answered_after_it(
    intake: Intake, publisher: Publisher
) -> None:
    older = await submitted(intake, 22, **OPT_OUT)
    await opted_in(intake, 22, "marketing")
    await _settled(intake.pool)
    await followed(intake, publisher, older)
    assert await listed(intake, 22) == ["sale_or_sharing"]
    newer = await submitted(intake, 22, **OPT_OUT)
    await followed(intake, publisher, newer)
    assert await listed(intake, 22) == ["marketing", "sale_or_sharing"]


async def test_who_opts_in_while_their_deletion_is_open_may_be_brought_in_again(
    intake: Intake, publisher: Publisher
) -> None:
    one = await submitted(intake, 23)
    await opted_in(intake, 23, "re_import")
    await followed(intake, publisher, one)
    assert await listed(intake, 23) == []


async def test_who_opts_in_while_a_closing_lists_them_waits_for_it_and_is_taken_off(
    intake: Intake,
) -> None:
    one = await submitted(intake, 31)
    async with intake.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "select intake.list_named($1::uuid[], '{deletion}', '{re_import}', now())", [one]
        )
        opting = asyncio.create_task(opted_in(intake, 31, "re_import"))
        await waits(intake, "advisory")
    await opting
    assert await listed(intake, 31) == []


async def test_a_closing_that_comes_while_the_person_opts_in_waits_for_that_and_lists_nobody(
    intake: Intake, publisher: Publisher
) -> None:
    one = await submitted(intake, 32)
    digests = [KEY.digest("email", email(32))]
    async with intake.pool.acquire() as connection, connection.transaction():
        await connection.execute(suppressions._ALONE, digests)
        await connection.execute(
            """
            insert into intake.opt_ins (id, at, principal, kinds, digests, reference, given_on)
            values (gen_random_uuid(), now(), 'shop', '{re_import}', $1, 'consents/32', now())
            """,
            digests,
        )
        await publisher.publish([a_record(one, one)])
        await waits(intake, "advisory")
    await answered(intake, one)
    assert await listed(intake, 32) == []


async def test_an_objection_that_is_proven_later_is_listed_as_it_opens(intake: Intake) -> None:
    one = await submitted(intake, 24, right="objection", identity_attested=False)
    assert await listed(intake, 24) == []
    assert (await prove(intake, one)).json()["state"] == "open"
    assert await listed(intake, 24) == ["marketing"]


async def test_an_agents_opt_out_is_listed_once_the_agent_has_shown_that_they_may(
    intake: Intake,
) -> None:
    agent = {"role": "authorised_agent"}
    one = await submitted(intake, 25, **OPT_OUT, jurisdiction="US-CA", requester=agent)
    assert await listed(intake, 25) == []
    assert (await authorise(intake, one)).json()["state"] == "open"
    assert await listed(intake, 25) == ["marketing", "sale_or_sharing"]


async def test_what_is_proven_and_erases_is_listed_at_its_closing_alone(
    intake: Intake, publisher: Publisher
) -> None:
    one = await submitted(intake, 26, identity_attested=False)
    assert (await prove(intake, one)).json()["state"] == "open"
    assert await listed(intake, 26) == []
    await followed(intake, publisher, one)
    assert await listed(intake, 26) == ["re_import"]


async def test_what_another_request_forbids_too_stays_when_the_first_is_not_followed(
    intake: Intake, publisher: Publisher
) -> None:
    first = await submitted(intake, 27, right="objection")
    second = await submitted(intake, 27, **OPT_OUT)
    await followed(intake, publisher, second)
    await publisher.publish([a_record(first, first, outcome=Outcome.WITHDRAWN)])
    await answered(intake, first)
    assert await listed(intake, 27) == ["marketing", "sale_or_sharing"]


async def test_what_two_requests_forbid_ends_with_the_second_that_is_not_followed(
    intake: Intake, publisher: Publisher
) -> None:
    first = await submitted(intake, 28, right="objection")
    second = await submitted(intake, 28, **OPT_OUT)
    await publisher.publish([a_record(second, second, outcome=Outcome.REFUSED)])
    await answered(intake, second)
    assert await listed(intake, 28) == ["marketing"]
    await publisher.publish([a_record(first, first, outcome=Outcome.WITHDRAWN)])
    await answered(intake, first)
    assert await listed(intake, 28) == []


async def test_an_opt_in_ends_what_several_requests_forbid(intake: Intake) -> None:
    await submitted(intake, 29, right="objection")
    await submitted(intake, 29, **OPT_OUT)
    await opted_in(intake, 29, "marketing")
    assert await listed(intake, 29) == ["sale_or_sharing"]


async def test_a_person_who_takes_somebody_off_the_list_is_entered_without_them(
    intake: Intake,
) -> None:
    await submitted(intake, 21, **OPT_OUT)
    body = {
        "identity": [{"kind": "email", "value": email(21)}],
        "kinds": ["marketing"],
        "reference": "consents/21",
        "given_on": "2026-03-02",
        "reason": "asked at the desk",
    }
    await intake.http.post("/v1/suppressions/opt-in", json=body, headers=intake.officer)
    [entry] = await entries(intake, target="consents/21")
    assert (entry["action"], entry["reason"]) == ("suppression.opt-in", "asked at the desk")
    assert email(21) not in str(entry)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"identifiers": [{"kind": "email", "value": "no address"}]},
        {"digests": ["0" * 31]},
        {"identifiers": [{"kind": "email", "value": "a@example.com"}], "digests": ["0" * 32]},
        {"digests": ["0" * 32] * 1_001},
    ],
)
async def test_a_check_that_is_none_is_refused(intake: Intake, body: dict[str, Any]) -> None:
    refused = await intake.http.post(CHECK, json=body, headers=intake.desk)
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY


async def test_a_client_needs_the_scope(intake: Intake) -> None:
    body = {"digests": ["0" * 32]}
    assert (await intake.http.post(CHECK, json=body)).status_code == httpx.codes.FORBIDDEN
    may = await intake.client(scopes=["suppressions:check"])
    assert (await intake.http.post(CHECK, json=body, headers=may)).status_code == httpx.codes.OK


async def test_what_kafka_did_not_take_is_told_again(intake: Intake) -> None:
    store = PostgresSuppressions(intake.pool)
    await _settled(intake.pool)
    await intake.pool.execute(
        "insert into intake.suppressions (kind, digest, key_id, since, request_id, told)"
        " values ('marketing', $1, $2, now(), gen_random_uuid(), true)",
        bytes(16),
        KEY.name,
    )
    told: list[str] = []

    async def away(_new: Sequence[Suppression], _ended: Sequence[Suppression]) -> None:
        raise RuntimeError("away")

    async def there(new: Sequence[Suppression], _ended: Sequence[Suppression]) -> None:
        told.extend(suppression_key(one.kind, one.digest) for one in new)

    # Its own row is locked until the end, so that intake itself passes it over.
    async with intake.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "update intake.suppressions set told = false where digest = $1", bytes(16)
        )
        own = PostgresSuppressions(_One(connection))  # type: ignore[arg-type]  # a pool of one
        with pytest.raises(RuntimeError):
            await own.tell(away, limit=10)
        assert await own.tell(there, limit=10) == 1
        assert await own.tell(there, limit=10) == 0
    assert told == [f"marketing/{bytes(16).hex()}"]
    assert (await store.find([bytes(16)]))[bytes(16)]


class _One:
    """A pool whose only connection is in a transaction already."""

    def __init__(self, connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record]) -> None:
        self._connection = connection

    def acquire(self) -> _One:
        return self

    async def __aenter__(self) -> asyncpg.pool.PoolConnectionProxy[asyncpg.Record]:
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        pass


async def _settled(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    async def is_settled() -> bool:
        return not await pool.fetchval("select count(*) from intake.suppressions where not told")

    await eventually(is_settled)
