"""What systems find out of two persons: who shares an identifier with somebody else is not acted on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from integration.intake.closures_test import a_record, answered
from integration.intake.links_test import (
    BLIND,
    RESOLVER,
    a_link,
    accounts_told,
    asked,
    found,
    link_key,
    outcomes,
    tell,
)

from dsr_cli.stack import Stack
from dsr_core.ids import RequestId, SystemId
from dsr_intake.adapters.links import PostgresLinks
from dsr_intake.model.links import LinksTaken
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.decisions import IdentityExpanded
from support.builders import MARKER
from support.decisions import INTERNAL, commands, decide
from support.intake import Intake, Topics, VerifierDouble
from support.waiting import eventually

USED, SHARED = (RESOLVER, "used", "undisputed"), (RESOLVER, "conflict", "another_person")
WHY = "the team has asked the person"


async def linked(
    intake: Intake, stack: Stack, publisher: Publisher, account: str, number: int, **changes: Any
) -> dict[str, Any]:
    """A request to whose person a system links an account, once that is judged."""
    one = await asked(intake, number, **changes)
    await tell(publisher, [found(one, await link_key(intake, stack, one), a_link(account))])
    await outcomes(intake, one)
    return one


async def last_outcome(intake: Intake, one: dict[str, Any], wanted: tuple[str, ...]) -> None:
    """Return once the newest step of a request's links is the one that is wanted."""

    async def is_last() -> bool:
        return (await outcomes(intake, one))[-1] == wanted

    await eventually(is_last, what=f"the last step is {wanted}")


async def link_ids(intake: Intake, one: dict[str, Any]) -> list[str]:
    path = f"{INTERNAL}/subject-requests/{one['id']}/links"
    steps = (await intake.http.get(path, headers=intake.desk)).json()["links"]
    return [each["id"] for each in steps]


async def hashes(intake: Intake, *many: dict[str, Any]) -> set[bytes]:
    rows = await intake.pool.fetch(
        "select hash from intake_keys.link_hashes where request_id = any($1::uuid[])",
        [one["id"] for one in many],
    )
    return {bytes(row[0]) for row in rows}


async def test_an_account_that_is_found_for_two_persons_is_used_for_neither(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-201"
    first = await linked(intake, stack, publisher, account, 201)
    assert await outcomes(intake, first) == [USED]
    second = await linked(intake, stack, publisher, account, 202)
    assert await outcomes(intake, second) == [SHARED]
    await last_outcome(intake, first, SHARED)
    assert await outcomes(intake, first) == [USED, SHARED]
    for one in (first, second):
        assert await accounts_told(intake, stack, one) == ()
    listed = (await intake.http.get(f"{INTERNAL}/links", headers=intake.desk)).json()["links"]
    waiting = {each["request_id"]: each["was_used"] for each in listed}
    assert (waiting[first["id"]], waiting[second["id"]]) == (True, False)


async def test_two_requests_of_one_person_share_what_is_found(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-203"
    first = await linked(intake, stack, publisher, account, 203)
    second = await linked(intake, stack, publisher, account, 203, right="access")
    assert await outcomes(intake, second) == [USED]
    assert await outcomes(intake, first) == [USED]


async def test_what_is_refused_for_one_person_is_used_for_the_other(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-204"
    first = await linked(intake, stack, publisher, account, 204)
    second = await linked(intake, stack, publisher, account, 205)
    await last_outcome(intake, first, SHARED)
    [link_id] = await link_ids(intake, second)
    verdict = await decide(intake, second["id"], f"links/{link_id}/refusal", reason=WHY)
    assert verdict.json()["decided"] is True
    await last_outcome(intake, first, USED)
    assert await accounts_told(intake, stack, first) == (account,)
    assert await accounts_told(intake, stack, second) == ()


async def test_what_two_people_accept_for_one_person_still_waits_for_the_other(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-206"
    first = await linked(intake, stack, publisher, account, 206)
    second = await linked(intake, stack, publisher, account, 207)
    [link_id] = await link_ids(intake, second)
    path = f"links/{link_id}/acceptance"
    await decide(intake, second["id"], path, reason=WHY)
    done = await decide(intake, second["id"], path, by=intake.counsel, reason=WHY)
    assert done.json()["decided"] is True
    assert await accounts_told(intake, stack, second) == (account,)
    assert await accounts_told(intake, stack, first) == ()
    await last_outcome(intake, first, SHARED)


async def test_who_opts_out_shares_what_is_found_with_others_who_do(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-208"
    first = await linked(intake, stack, publisher, account, 208, right="opt_out")
    second = await linked(intake, stack, publisher, account, 209, right="opt_out")
    assert await outcomes(intake, second) == [USED]
    erased = await linked(intake, stack, publisher, account, 210)
    assert await outcomes(intake, erased) == [SHARED], "an erasure shares it with nobody"
    assert await outcomes(intake, first) == [USED]


async def test_what_is_kept_to_compare_goes_with_the_key_of_the_request(
    intake: Intake, stack: Stack, publisher: Publisher, verifier: VerifierDouble
) -> None:
    account = f"A-{MARKER}-211"
    first = await linked(intake, stack, publisher, account, 211)
    assert await hashes(intake, first)
    verifier.keeps(first["id"])
    await publisher.publish([a_record(first["cohort_id"], first["id"])])
    await answered(intake, first["id"])
    assert not await hashes(intake, first)
    second = await linked(intake, stack, publisher, account, 212)
    assert await outcomes(intake, second) == [USED], "nobody open has it"


async def test_of_two_that_are_judged_at_the_same_moment_one_is_judged_again(
    intake: Intake,
) -> None:
    """Neither judgement knew of the other's, as on two replicas."""
    one, other = await asked(intake, 213), await asked(intake, 214)
    store, named = PostgresLinks(intake.pool), (b"n" * 32, b"m" * 32)
    first, second = await judged(intake, one, named), await judged(intake, other, named[::-1])
    async with intake.pool.acquire() as keeper:
        async with keeper.transaction():
            await keeper.execute(
                "select from intake.subject_requests where id = $1 for update", one["id"]
            )
            earlier = asyncio.create_task(store.take(first))
            await waits(intake, "transactionid", "tuple")
            later = asyncio.create_task(store.take(second))
            await waits(intake, "advisory")
        assert (await earlier, await later) == (True, False)
    assert await hashes(intake, other) == set()
    assert await hashes(intake, one) == set(named)


async def judged(intake: Intake, one: dict[str, Any], named: Sequence[bytes]) -> LinksTaken:
    row = await intake.pool.fetchrow(
        "select identity_ciphertext, lookup_hashes from intake.subject_requests where id = $1",
        one["id"],
    )
    assert row is not None
    return LinksTaken(
        request_id=RequestId(one["id"]),
        before=row["identity_ciphertext"],
        after=row["identity_ciphertext"],
        own=tuple(row["lookup_hashes"]),
        named=tuple(named),
        shared=frozenset(),
        steps=(),
    )


async def waits(intake: Intake, *kinds: str) -> None:
    """Return once somebody waits for a lock of one of the kinds."""

    async def does() -> bool:
        return bool(
            await intake.pool.fetchval(
                "select count(*) from pg_locks where not granted and locktype = any($1::text[])",
                kinds,
            )
        )

    await eventually(does, what=f"somebody waits for {kinds}")


async def test_who_shares_is_found_again_after_a_crash_between_the_two_judgements(
    intake: Intake, stack: Stack, publisher: Publisher
) -> None:
    account = f"A-{MARKER}-215"
    first = await linked(intake, stack, publisher, account, 215)
    used = await intake.pool.fetchval(
        "select identity_ciphertext from intake.subject_requests where id = $1", first["id"]
    )
    second = await asked(intake, 216)
    links = found(second, await link_key(intake, stack, second), a_link(account))
    await tell(publisher, [links])
    await last_outcome(intake, first, SHARED)
    # As if intake had died when the second was written and the first was not: the record comes again.
    await intake.pool.execute(
        "update intake.subject_requests set identity_ciphertext = $2 where id = $1",
        first["id"],
        used,
    )
    assert await accounts_told(intake, stack, first) == (account,)
    await tell(publisher, [links])

    async def is_stopped() -> bool:
        return await accounts_told(intake, stack, first) == ()

    await eventually(is_stopped, what="the first is judged anew")


async def test_who_was_told_before_it_was_taken_back_is_told_again_once_it_is_accepted(
    intake: Intake, stack: Stack, publisher: Publisher, topics: Topics
) -> None:
    account = f"A-{MARKER}-217"
    first = await asked(intake, 217)
    key = await link_key(intake, stack, first)
    assert await accounts_told(intake, stack, first) == ()
    await tell(publisher, [found(first, key, a_link(account))])
    await outcomes(intake, first)
    await linked(intake, stack, publisher, account, 218)
    await last_outcome(intake, first, SHARED)
    assert await accounts_told(intake, stack, first) == ()
    *_, link_id = await link_ids(intake, first)
    for by in (intake.desk, intake.counsel):
        await decide(intake, first["id"], f"links/{link_id}/acceptance", by=by, reason=WHY)
    told = [one.decision for one in await commands(topics, first["cohort_id"], 2)]
    assert told == [IdentityExpanded((SystemId(BLIND),))] * 2
    assert await accounts_told(intake, stack, first) == (account,)
