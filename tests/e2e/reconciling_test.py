"""`dsr reconcile` finds and mends each kind of difference, on a loop of its own whose services are stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import asyncpg
import pytest
import pytest_asyncio
from e2e.links_test import BLIND, RESOLVER, asked, known
from temporalio.client import Client, WorkflowExecutionStatus

from dsr_cli.demo.people import submission
from dsr_cli.reconcile.differences import MENDED, Kind
from dsr_cli.reconcile.positions import INTAKE_CLOSURES
from dsr_contracts.v1.acknowledgements_pb2 import SignedAcknowledgements
from dsr_contracts.v1.obligations_pb2 import ObligationsAmended, ObligationsOpened, PhaseTold
from dsr_core.cohorts import workflow_id
from dsr_runtime.outbox import enqueue
from dsr_runtime.records import Record
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.codec.amendments import amendment_from_wire
from dsr_wire.envelope import decode, decode_one_of
from dsr_wire.terms import KINDS
from dsr_wire.topics import ACKNOWLEDGEMENTS, AUDIT, CLOSURES, LIFECYCLE, OBLIGATIONS
from support.loop import Loop, running_loop
from support.operating import Desk, away, known_to, only_missing, until
from support.parts import data_folder
from support.reconciling import (
    Offsets,
    changed,
    differences,
    forgotten,
    positions,
    read_past,
    set_back,
    started,
    stopped,
    told,
)
from support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

VERIFIER = "dsr.verifier"
LAST = "accounts"
"""The system whose phase is the last one: nobody has to be told of a request that lacks its answer alone."""

APPLY = ("--apply", "--reason", "restored to an earlier time")


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    """A loop whose services are stopped and started by each test here."""
    with data_folder() as folder, running_loop(folder) as running:
        yield running


async def test_what_no_workflow_sees_through_any_more_goes_on_and_closes_once(
    loop: Loop,
) -> None:
    async with away(loop, "billing") as back:
        requests = gone, terminated, cancelled = [await loop.submit() for _ in range(3)]
        await only_missing(loop, *requests, system_id="billing")
        client = await Client.connect(loop.stack.temporal_address)
        handles = [client.get_workflow_handle(workflow_id(one)) for one in (terminated, cancelled)]
        await handles[1].cancel()
        await eventually(partial(_has_ended, client, cancelled), what="it is cancelled")
        await stopped(loop)
        await handles[0].terminate(reason="a test")
        await forgotten(client, workflow_id(gone))

        dry = await differences(loop)
        assert dry == {"workflow_missing": {gone}, "workflow_ended": {terminated, cancelled}}
        assert await differences(loop) == dry, "a dry run changes nothing"
        assert await differences(loop, *APPLY) == dry
        assert await differences(loop) == {}
        await started(loop)
        await back()
    await loop.answered(*requests, within=120)
    assert [await loop.closures(one) for one in requests] == [1] * len(requests)
    for one in (terminated, cancelled):
        described = await client.get_workflow_handle(workflow_id(one)).describe()
        assert described.status is WorkflowExecutionStatus.COMPLETED
    assert await differences(loop) == {}
    assert not loop.dead_letters()


async def test_links_that_the_database_has_lost_are_found_and_taken_in_again(
    loop: Loop,
) -> None:
    """As where it was put back to the moment between what was told and what was taken in."""
    async with away(loop, BLIND) as back:
        async with away(loop, RESOLVER):
            request_id = await asked(loop, known(loop))
            await only_missing(loop, request_id, system_id=RESOLVER)
            before = await _identity(loop, request_id)
        await eventually(partial(_links, loop, request_id), within=120, what="links are taken in")
        await only_missing(loop, request_id, system_id=BLIND)
        await stopped(loop)
        for table in ("link_answers", "link_steps"):
            gone = f"delete from intake.{table} where request_id = '{request_id}'"
            await changed(loop, gone, only_added_to=f"intake.{table}")
        await changed(
            loop,
            f"update intake.subject_requests set identity_ciphertext = '\\x{before.hex()}'"
            f" where id = '{request_id}'",
        )

        dry = await differences(loop)
        assert dry == {"links_unread": {f"{request_id} {RESOLVER}"}}
        assert await differences(loop, *APPLY) == dry

        await started(loop)
        await eventually(partial(_links, loop, request_id), within=60, what="they are taken again")
        assert [row["outcome"] for row in await _links(loop, request_id)] == ["used"]
        assert await _identity(loop, request_id) != before
        await back()
    await loop.answered(request_id)
    assert await differences(loop) == {}
    assert not loop.dead_letters()


async def test_a_copy_that_the_ledger_has_forgotten_is_found_and_read_again(loop: Loop) -> None:
    [person] = known_to(loop, 1, "accounts")
    async with loop.client() as client:
        access = str((await client.submit(submission(person) | {"right": "access"}))["id"])
    await loop.answered(access)
    await eventually(partial(_is_settled, loop, access), within=60)
    await stopped(loop)
    table = "verifier.copies_settled"
    await changed(loop, f"delete from {table}", only_added_to=table)

    dry = await differences(loop)
    assert dry == {"copy_unread": {access}}
    assert await differences(loop, *APPLY) == dry
    await started(loop)
    await eventually(partial(_is_settled, loop, access), within=60)
    assert await differences(loop) == {}


@dataclass(frozen=True, slots=True)
class Ahead:
    """Stopped services, and requests that Kafka may be ahead of."""

    loop: Loop
    opened: str
    """It was proven who asks."""

    decided: str
    """It is under a hold; the verifier has not read it."""

    hold_id: str

    closed: str
    """Closed; intake has not read it."""

    answered: str
    """One system has not answered; the verifier has read nothing of it."""


@pytest_asyncio.fixture(scope="module")
async def ahead(loop: Loop) -> AsyncIterator[Ahead]:
    """Everything is as it should be: what Kafka has beyond the database was read by nobody."""
    desk = Desk(loop)
    async with away(loop, LAST) as back:
        closed = await loop.submit()
        await only_missing(loop, closed, system_id=LAST)
        await stopped(loop, "intake")
        unread = positions(loop, INTAKE_CLOSURES, CLOSURES.name)
        await back()
        await eventually(partial(_is_told, loop, closed), within=60, what="its closure is told")
    async with away(loop, LAST):
        # Else intake would read it now.
        read_past(loop, INTAKE_CLOSURES, CLOSURES.name)
        await started(loop, "intake")
        async with loop.client() as client:
            unproven = submission(loop.person()) | {"identity_attested": False}
            opened = str((await client.submit(unproven))["id"])
        await until(loop, opened, "awaiting_identity")
        await desk.prove(opened)
        decided = await loop.submit()
        await only_missing(loop, opened, decided, system_id=LAST)
        owed = await loop.obligations(decided)
        least = min(one["phase"] for one in owed.values())
        first = {system_id for system_id, one in owed.items() if one["phase"] == least}
        await stopped(loop, "verifier")
        hold_id = await desk.hold("a claim of the other side", request_id=decided)
        answered = await loop.submit()
        await eventually(
            partial(_have_answered, loop, answered, first), within=60, what="systems answer"
        )
        await eventually(partial(_is_amended, loop, decided), within=60, what="the hold is told")
        await eventually(partial(_is_sent, loop), within=30, what="everything is sent")
        await stopped(loop, "intake", "fanout")
        set_back(loop, unread)
        assert await differences(loop) == {}, "what nobody has read is no difference"
        yield Ahead(loop, opened, decided, hold_id, closed, answered)


async def opening_forgotten(ahead: Ahead) -> set[str]:
    await changed(
        ahead.loop,
        "update intake.subject_requests set state = 'awaiting_identity'"
        f" where id = '{ahead.opened}'",
    )
    return {ahead.opened}


async def decision_forgotten(ahead: Ahead) -> set[str]:
    await changed(
        ahead.loop,
        f"update intake.subject_requests set state = 'open' where id = '{ahead.decided}'",
    )
    return {ahead.decided}


async def closure_unread(ahead: Ahead) -> set[str]:
    read_past(ahead.loop, INTAKE_CLOSURES, CLOSURES.name)
    return {ahead.closed}


async def obligations_unread(ahead: Ahead) -> set[str]:
    read_past(ahead.loop, VERIFIER, OBLIGATIONS.name)
    return {
        ahead.answered,
        *(f"{ahead.decided} {one}" for one in _changes(ahead.loop, ahead.decided)),
    }


async def acknowledgement_unread(ahead: Ahead) -> set[str]:
    read_past(ahead.loop, VERIFIER, ACKNOWLEDGEMENTS.name)
    return {f"{ahead.answered} {one}" for one in _answers(ahead.loop, ahead.answered)}


async def audit_unread(ahead: Ahead) -> set[str]:
    read_past(ahead.loop, VERIFIER, AUDIT.name)
    rows = await ahead.loop.query(
        "select digest from intake.audit a where not exists"
        " (select from verifier.log_leaves l where l.digest = a.digest)"
        " and not exists (select from verifier.log_pending p where p.digest = a.digest)"
        " and action <> 'reconcile.apply'"
    )
    return {bytes(row["digest"]).hex() for row in rows}


async def outbox_sent(ahead: Ahead) -> set[str]:
    sent = told(ahead.loop, LIFECYCLE.name)[-1]
    record = Record(topic=sent.topic, key=sent.key, value=sent.value or b"", headers=sent.headers)
    connection = await asyncpg.connect(ahead.loop.stack.postgres_dsn("dsr"))
    try:
        await enqueue(connection, "intake", [record])
    finally:
        await connection.close()
    [row] = await ahead.loop.query("select id from intake.outbox where topic = $1", sent.topic)
    return {f"intake.outbox/{row['id']}"}


CASES: Sequence[Callable[[Ahead], Awaitable[set[str]]]] = (
    outbox_sent,
    opening_forgotten,
    decision_forgotten,
    closure_unread,
    obligations_unread,
    acknowledgement_unread,
    audit_unread,
)
"""Each makes the difference that it is named for, and returns what is found then."""


@pytest.mark.parametrize("case", CASES)
async def test_a_difference_is_named_by_a_dry_run_and_mended_after_it(
    ahead: Ahead, case: Callable[[Ahead], Awaitable[set[str]]]
) -> None:
    loop, kind = ahead.loop, case.__name__
    found = partial(differences, by_owners=True)
    made = await case(ahead)
    assert made
    before = await _state(loop)
    dry = await found(loop)
    assert dry == {kind: made}
    assert await _state(loop) == before, "a dry run changes nothing"
    assert await found(loop, *APPLY) == dry
    if MENDED[Kind(kind)]:
        assert await found(loop) == {}
        return
    assert await found(loop) == dry, "it waits for a person"
    await changed(
        loop, f"update intake.subject_requests set state = 'on_hold' where id = '{ahead.decided}'"
    )


async def test_what_is_read_again_comes_true_once(ahead: Ahead) -> None:
    loop, desk = ahead.loop, Desk(ahead.loop)
    sent = len(told(loop, LIFECYCLE.name))
    await started(loop)
    await until(loop, ahead.closed, "answered", within=60)
    await eventually(partial(_is_sent, loop), within=30, what="everything is sent")
    assert len(told(loop, LIFECYCLE.name)) > sent
    await desk.lift(ahead.hold_id)
    loop.stack.start(loop.system(LAST))
    those = (ahead.opened, ahead.decided, ahead.closed, ahead.answered)
    await loop.answered(*those, within=120)
    assert [await loop.closures(one) for one in those] == [1] * len(those)
    events = [dict(one.headers)["ce_id"] for one in told(loop, LIFECYCLE.name)]
    assert len(events) == len(set(events)), "nothing is sent twice"
    assert await differences(loop) == {}
    assert not loop.dead_letters()


async def _state(loop: Loop) -> list[object]:
    """Return what mending may change."""
    rows = await loop.query("select id, state, revision from intake.subject_requests order by id")
    waiting = await loop.query("select id from intake.outbox order by id")
    entries = await loop.query("select count(*) from intake.audit")
    read = [positions(loop, INTAKE_CLOSURES, CLOSURES.name)]
    read += [positions(loop, VERIFIER, one.name) for one in (OBLIGATIONS, ACKNOWLEDGEMENTS, AUDIT)]
    return [*map(tuple, (*rows, *waiting, *entries)), *map(_sorted, read)]


def _sorted(offsets: Offsets) -> list[tuple[tuple[str, str, int], int]]:
    return sorted(offsets.items())


async def _is_told(loop: Loop, request_id: str) -> bool:
    closed = await loop.closures(request_id)
    rows = await loop.query("select count(*) as n from verifier.outbox")
    return closed == 1 and rows[0]["n"] == 0


async def _is_sent(loop: Loop) -> bool:
    rows = await loop.query("select count(*) as n from intake.outbox")
    return bool(rows[0]["n"] == 0)


async def _have_answered(loop: Loop, request_id: str, systems: set[str]) -> bool:
    return bool(systems) and systems <= _answers(loop, request_id)


def _answers(loop: Loop, request_id: str) -> set[str]:
    """Return the systems whose answers are on their topic."""
    batches = [
        decode(one.value, one.headers, SignedAcknowledgements)
        for one in told(loop, ACKNOWLEDGEMENTS.name)
    ]
    found = [acknowledgement_from_bytes(one) for each in batches for one in each.acknowledgements]
    return {one.system_id for one in found if one.request_id == request_id}


async def _is_amended(loop: Loop, request_id: str) -> bool:
    return "hold_placed" in _changes(loop, request_id)


def _changes(loop: Loop, request_id: str) -> set[str]:
    """Return what changed a request's obligations, by what is on their topic."""
    kinds = (ObligationsOpened, ObligationsAmended, PhaseTold)
    records = told(loop, OBLIGATIONS.name)
    messages = [decode_one_of(one.value, one.headers, kinds) for one in records]
    amended = [amendment_from_wire(one) for one in messages if isinstance(one, ObligationsAmended)]
    return {KINDS[type(one.change)] for one in amended if one.request_id == request_id}


async def _has_ended(client: Client, request_id: str) -> bool:
    described = await client.get_workflow_handle(workflow_id(request_id)).describe()
    return described.status is WorkflowExecutionStatus.CANCELED


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
