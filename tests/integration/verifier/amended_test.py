"""What readers see of requests that go a way of their own, over the real ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest
from integration.verifier.meeting import Listening
from unit.verifier.amending import CRM, GROUP, HOLD, JOINED, LIFTED, MAILER, SETTLED, WITHDRAWN
from unit.verifier.world import (
    REGISTRY,
    World,
    a_home_of,
    a_new_request_id,
    amendment,
    answer,
    answers_of_all,
    batch,
)

from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_verifier.http.documents import MissingDocument, ObligationsDocument
from dsr_wire.codec.amendments import DueDateMoved, LeftCohort, PlanChanged, Succession
from dsr_wire.codec.decisions import HoldPlaced
from support.builders import NOW, a_registry, a_system, an_id, days


async def obligations_of(client: httpx.AsyncClient, request_id: str) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get(f"/v1/requests/{request_id}/obligations")).json()
    ObligationsDocument.model_validate(document)
    return document


async def missing_in(client: httpx.AsyncClient, cohort_id: str) -> tuple[int, Any, Any]:
    document = (await client.get(f"/v1/cohorts/{cohort_id}/missing")).json()
    MissingDocument.model_validate(document)
    return document["open_requests"], document["systems"], document["held"]


async def two_of_one_cohort(world: World) -> tuple[CohortId, RequestId, RequestId]:
    first, second = sorted((a_new_request_id(), a_new_request_id()))
    home = a_home_of(first)
    await world.open(first, second, cohort_id=home)
    return home, first, second


async def test_a_leaver_is_missing_in_its_new_cohort_and_no_more_in_its_old_one(
    client: httpx.AsyncClient, world: World
) -> None:
    home, leaver, stays = await two_of_one_cohort(world)
    assert (await obligations_of(client, leaver))["cohort_id"] == home
    await world.amend(amendment(leaver, LeftCohort(CohortId(leaver)), cohort_id=home))
    document = await obligations_of(client, leaver)
    assert (document["cohort_id"], document["home_cohort_id"]) == (leaver, home)
    assert await missing_in(client, leaver) == (1, {CRM: [leaver], MAILER: [leaver]}, {})
    assert await missing_in(client, home) == (1, {CRM: [stays], MAILER: [stays]}, {})


async def test_a_cohort_that_everyone_has_left_misses_nobody(
    client: httpx.AsyncClient, world: World
) -> None:
    home, *members = await two_of_one_cohort(world)
    await world.amend(
        *(amendment(one, LeftCohort(CohortId(one)), cohort_id=home) for one in members)
    )
    assert await missing_in(client, home) == (0, {}, {})


async def test_who_left_after_the_closing_is_known_as_a_cohort_that_misses_nobody(
    client: httpx.AsyncClient, world: World
) -> None:
    home, leaver, _ = await two_of_one_cohort(world)
    assert (await client.get(f"/v1/cohorts/{leaver}/missing")).status_code == 404
    await world.record(answers_of_all(leaver))
    await world.amend(amendment(leaver, LeftCohort(CohortId(leaver)), cohort_id=home))
    assert await missing_in(client, leaver) == (0, {}, {})
    document = await obligations_of(client, leaver)
    assert document["cohort_id"] == home
    (kept,) = document["amendments"]
    assert (kept["kind"], kept["effect"]) == ("left_cohort", "after_closure")


async def test_a_held_system_is_named_as_held_and_not_as_missing(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.amend(amendment(request_id, HOLD))
    assert await missing_in(client, request_id) == (1, {MAILER: [request_id]}, {CRM: [request_id]})
    crm, mailer = (await obligations_of(client, request_id))["obligations"]
    assert (crm["is_held"], mailer["is_held"]) == (True, False)
    everywhere = HoldPlaced(an_id(502))
    await world.amend(amendment(request_id, everywhere, revision=2))
    owed = [request_id]
    assert await missing_in(client, request_id) == (1, {}, {CRM: owed, MAILER: owed})
    lifted = amendment(request_id, LIFTED, revision=3, effective_at=NOW + days(1))
    await world.amend(lifted)
    assert (await missing_in(client, request_id))[2] == {CRM: owed, MAILER: owed}
    document = await obligations_of(client, request_id)
    assert [
        (one["hold_id"], one["system_ids"], one["lifted_at"] is None) for one in document["holds"]
    ] == [(HOLD.hold_id, [CRM], False), (everywhere.hold_id, [], True)]


async def test_a_hold_on_everything_covers_a_system_that_joins(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.amend(amendment(request_id, HoldPlaced(an_id(503))))
    await world.amend(amendment(request_id, JOINED, revision=2))
    _, systems, held = await missing_in(client, request_id)
    assert (systems, sorted(held)) == ({}, ["billing", "crm", "mailer"])


async def test_a_breach_is_shown_and_goes_when_a_lifting_before_it_becomes_known(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.amend(amendment(request_id, HOLD))
    await world.record([batch(answer(request_id, answered_at=NOW + days(2)))])
    (breach,) = (await obligations_of(client, request_id))["breaches"]
    assert (breach["system_id"], breach["hold_id"], breach["sequence"]) == (CRM, HOLD.hold_id, 1)
    assert datetime.fromisoformat(breach["answered_at"]) == NOW + days(2)
    lifted = amendment(request_id, LIFTED, revision=2, effective_at=NOW + days(1))
    await world.amend(lifted)
    assert (await obligations_of(client, request_id))["breaches"] == []


async def test_how_a_request_ends_when_and_who_settled_what_is_shown(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.amend(
        amendment(request_id, DueDateMoved(NOW + days(60))),
        amendment(request_id, SETTLED, revision=2),
        amendment(request_id, WITHDRAWN, revision=3),
    )
    document = await obligations_of(client, request_id)
    assert (document["stopping"], document["open"]) == ("withdrawn", 1)
    assert datetime.fromisoformat(document["due_at"]) == NOW + days(60)
    crm, mailer = document["obligations"]
    assert (crm["is_confirmed"], crm["disposition"], crm["sequence"]) == (True, "erased", 0)
    assert crm["settled_by"] == {
        "proposed_by": "operator-a",
        "approved_by": "operator-b",
        "revision": 2,
        "reason": SETTLED.reason,
    }
    assert mailer["settled_by"] is None
    assert [(one["kind"], one["effect"]) for one in document["amendments"]] == [
        ("due_date_moved", "applied"),
        ("obligation_settled", "applied"),
        ("stopped", "applied"),
    ]
    assert document["amendments"][2]["change"] == {"outcome": "withdrawn"}


async def test_a_changed_plan_is_shown_with_its_registry_version(
    client: httpx.AsyncClient, world: World
) -> None:
    archive = a_system("archive")
    later = a_registry(*REGISTRY.systems, archive)
    world.registry.registries[later.digest] = later
    request_id = a_new_request_id()
    await world.open(request_id)
    plan = PlanChanged(later.digest, ((archive.id, GROUP),), (MAILER,))
    await world.amend(amendment(request_id, plan))
    document = await obligations_of(client, request_id)
    assert document["registry_digest"] == later.digest
    assert [one["system_id"] for one in document["obligations"]] == [archive.id, CRM]
    assert (document["expected"], document["open"]) == (2, 2)


async def test_an_amendment_that_waits_is_on_record_and_cannot_be_changed(
    pool: asyncpg.Pool[asyncpg.Record],
    super_user: asyncpg.Pool[asyncpg.Record],
    world: World,
) -> None:
    request_id = a_new_request_id()
    await world.amend(amendment(request_id, WITHDRAWN))
    find = "select effect, effect_at from verifier.amendments where request_id = $1"
    assert tuple(await pool.fetchrow(find, request_id) or ()) == (None, None)
    for change in ("revision = 9", "effect = null", "effect = 'applied', kind = 'left_cohort'"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await super_user.execute(
                f"update verifier.amendments set {change} where request_id = $1", request_id
            )
    await world.open(request_id)
    assert (await pool.fetchrow(find, request_id) or {})["effect"] == "applied"
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await pool.execute(
            "update verifier.amendments set effect = 'unfit' where request_id = $1", request_id
        )


async def test_the_closure_of_a_stopped_request_is_published_with_the_amendment_that_closes_it(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    for one in (CRM, SystemId("mailer")):
        await world.record([batch(answer(request_id, one, Disposition.STOPPED), by=one)])
    await pool.execute("delete from verifier.outbox")
    await world.amend(amendment(request_id, WITHDRAWN))
    (row,) = await pool.fetch("select * from verifier.outbox")
    assert (row["topic"], row["key"]) == ("dsr.closures.v1", request_id.encode())


async def test_a_request_that_was_never_amended_costs_no_statement_more(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    plain, amended = a_new_request_id(), a_new_request_id()
    ledger = Listening(pool)
    worker = World(ledger, world.registry)
    said: list[list[str]] = []
    for request_id in (plain, amended):
        await worker.open(request_id)
        if request_id == amended:
            await worker.amend(amendment(amended, DueDateMoved(NOW + days(60))))
        ledger.statements.clear()
        await worker.record(answers_of_all(request_id)[:1])
        await worker.record(answers_of_all(request_id)[1:])
        said.append(list(ledger.statements))
    without, with_one = said
    assert not any("verifier.amendments" in statement for statement in without)
    assert [one for one in with_one if "verifier.amendments" not in one] == without
    assert len(with_one) == len(without) + 2, "one a micro-batch"


async def test_a_successor_shows_for_whom_it_answers_and_what_that_had_answered(
    client: httpx.AsyncClient, world: World
) -> None:
    _, request_id, _ = await two_of_one_cohort(world)
    home = a_home_of(request_id)
    await world.record(answers_of_all(request_id)[:1])
    since = NOW + days(2)
    change = PlanChanged(
        REGISTRY.digest, (), (), (Succession(CRM, MAILER, OrganisationId("example-mail"), since),)
    )
    await world.amend(amendment(request_id, change, cohort_id=home))
    document = await obligations_of(client, request_id)
    [mailer] = document["obligations"]
    [succeeded] = mailer["answers_for"]
    assert (succeeded["system_id"], succeeded["disposition"]) == (CRM, "erased")
    assert datetime.fromisoformat(succeeded["since"]) == since
    [amended] = document["amendments"]
    assert [one["retired"] for one in amended["change"]["successions"]] == [CRM]
    acknowledged = (await client.get(f"/v1/requests/{request_id}/acknowledgements")).json()
    assert [one["system_id"] for one in acknowledged["acknowledgements"]] == [CRM]
