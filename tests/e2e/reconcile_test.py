"""`dsr reconcile` on a loop that nothing has happened to, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from functools import partial

import asyncpg
import pytest
from e2e.links_test import BLIND, RESOLVER, asked, known
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from dsr_cli.demo.people import submission
from dsr_core.cohorts import workflow_id
from support.command import dsr
from support.loop import Loop, running_loop
from support.operating import known_to
from support.parts import data_folder
from support.waiting import eventually

SERVICES = ("intake", "fanout", "verifier")


@pytest.fixture
def own_loop() -> Iterator[Loop]:
    """A loop of which services are stopped."""
    with data_folder() as folder, running_loop(folder) as running:
        yield running


async def test_nothing_differs_where_nothing_was_restored(loop: Loop) -> None:
    await loop.answered(await loop.submit())
    said = await dsr(loop.stack.settings, "reconcile", "--json")
    assert said.json["differences"] == [], said.out


async def test_nothing_is_mended_while_a_service_reads(loop: Loop) -> None:
    said = await dsr(loop.stack.settings, "reconcile", "--apply", "--reason", "a try")
    assert "stop intake, fanout and the verifier first" in said.fault


async def test_mending_needs_a_reason(loop: Loop) -> None:
    said = await dsr(loop.stack.settings, "reconcile", "--apply")
    assert "--reason" in said.fault


@pytest.mark.timeout(600)
async def test_what_no_workflow_orchestrates_any_more_is_found_and_begun_again(
    own_loop: Loop,
) -> None:
    loop = own_loop
    slow = loop.system("billing")
    loop.stack.stop(slow)
    gone, ended = await loop.submit(), await loop.submit()
    for one in (gone, ended):
        await eventually(partial(_is_told, loop, one), within=120, what=f"{one} was told")
    client = await Client.connect(loop.stack.temporal_address)
    for service in SERVICES:
        await asyncio.to_thread(loop.stack.stop, service)
    await client.get_workflow_handle(workflow_id(ended)).terminate(reason="a test")
    await _forgotten(client, workflow_id(gone))

    dry = await _differences(loop)
    assert dry == {("workflow_missing", gone), ("workflow_ended", ended)}
    assert await _differences(loop, "--apply", "--reason", "Temporal lost one") == dry

    for service in ("verifier", "intake", "fanout"):
        await asyncio.to_thread(loop.stack.start, service)
    loop.stack.start(slow)
    await loop.answered(gone)
    assert await _differences(loop) == {("workflow_ended", ended)}


@pytest.mark.timeout(600)
async def test_links_that_the_database_has_lost_are_found_and_taken_in_again(
    own_loop: Loop,
) -> None:
    """As where it was put back to the moment between what was told and what was taken in."""
    loop = own_loop
    resolver, slow = loop.system(RESOLVER), loop.system(BLIND)
    loop.stack.stop(resolver)
    loop.stack.stop(slow)
    request_id = await asked(loop, known(loop))
    await eventually(partial(_is_told, loop, request_id, RESOLVER), within=120)
    before = await _identity(loop, request_id)
    loop.stack.start(resolver)
    await eventually(partial(_links, loop, request_id), within=120, what="links are taken in")
    await eventually(partial(_is_told, loop, request_id, BLIND), within=120)
    for service in SERVICES:
        await asyncio.to_thread(loop.stack.stop, service)
    await _links_lost(loop, request_id, before)

    dry = await _differences(loop)
    assert dry == {("links_unread", f"{request_id} {RESOLVER}")}
    assert await _differences(loop, "--apply", "--reason", "restored to an earlier time") == dry

    for service in ("verifier", "intake", "fanout"):
        await asyncio.to_thread(loop.stack.start, service)
    await eventually(partial(_links, loop, request_id), within=60, what="they are taken in again")
    assert [row["outcome"] for row in await _links(loop, request_id)] == ["used"]
    assert await _identity(loop, request_id) != before
    loop.stack.start(slow)
    await loop.answered(request_id)
    assert await _differences(loop) == set()
    assert not loop.dead_letters()


@pytest.mark.timeout(600)
async def test_a_copy_that_the_ledger_has_forgotten_is_found_and_read_again(own_loop: Loop) -> None:
    loop = own_loop
    [person] = known_to(loop, 1, "accounts")
    async with loop.client() as client:
        access = str((await client.submit(submission(person) | {"right": "access"}))["id"])
    await loop.answered(access)
    await eventually(partial(_is_settled, loop, access), within=60)
    for service in SERVICES:
        await asyncio.to_thread(loop.stack.stop, service)
    connection = await asyncpg.connect(loop.stack.postgres_dsn("dsr"))
    try:
        await connection.execute("alter table verifier.copies_settled disable trigger all")
        await connection.execute("delete from verifier.copies_settled")
        await connection.execute("alter table verifier.copies_settled enable trigger all")
    finally:
        await connection.close()

    dry = await _differences(loop)
    assert dry == {("copy_unread", access)}
    assert await _differences(loop, "--apply", "--reason", "restored to an earlier time") == dry
    await asyncio.to_thread(loop.stack.start, "verifier")
    await eventually(partial(_is_settled, loop, access), within=60)
    assert await _differences(loop) == set()


async def _is_settled(loop: Loop, request_id: str) -> bool:
    return bool(
        await loop.query("select 1 from verifier.copies_settled where request_id = $1", request_id)
    )


async def _links(loop: Loop, request_id: str) -> Sequence[asyncpg.Record]:
    return await loop.query("select * from intake.link_steps where request_id = $1", request_id)


async def _identity(loop: Loop, request_id: str) -> bytes:
    [row] = await loop.query(
        "select identity_ciphertext from intake.subject_requests where id = $1", request_id
    )
    return bytes(row["identity_ciphertext"])


async def _links_lost(loop: Loop, request_id: str, identity: bytes) -> None:
    """Put back what intake knew of a person before it took in links."""
    connection = await asyncpg.connect(loop.stack.postgres_dsn("dsr"))
    try:
        for table in ("link_answers", "link_steps"):
            await connection.execute(f"alter table intake.{table} disable trigger all")
            await connection.execute(
                f"delete from intake.{table} where request_id = $1", request_id
            )
            await connection.execute(f"alter table intake.{table} enable trigger all")
        await connection.execute(
            "update intake.subject_requests set identity_ciphertext = $2 where id = $1",
            request_id,
            identity,
        )
    finally:
        await connection.close()


async def _is_told(loop: Loop, request_id: str, but: str = "billing") -> bool:
    """Tell whether of those whose turn it is one alone is missing."""
    rows = await loop.query(
        "select 1 from verifier.requests where request_id::text = $1", request_id
    )
    return bool(rows) and await loop.missing(request_id) == {but}


async def _forgotten(client: Client, name: str) -> None:
    """Have Temporal lose a workflow."""
    execution = WorkflowExecution(workflow_id=name)
    await client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    )

    async def is_gone() -> bool:
        try:
            await client.get_workflow_handle(name).describe()
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND
        return False

    await eventually(is_gone, within=30, what="the workflow is gone")


async def _differences(loop: Loop, *options: str) -> set[tuple[str, str]]:
    said = await dsr(loop.stack.settings, "reconcile", "--json", *options)
    assert said.out, said.err
    return {(one["kind"], one["id"]) for one in json.loads(said.out)["differences"]}
