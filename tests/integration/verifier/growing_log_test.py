"""Evidence while the log grows: what was shown once holds for ever, and every checkpoint goes on from the last."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
import pytest_asyncio
from integration.verifier.conftest import ORIGIN
from integration.verifier.logs import FakePublished
from unit.verifier.world import (
    REGISTRY,
    World,
    a_new_request_id,
    a_registry_view,
    answers_of_all,
)

from dsr_cli.tlog.checking import LogReport, check_log
from dsr_cli.tlog.site import LogSite
from dsr_core.ids import RequestId
from dsr_verifier.adapters.certifying import Certificates, statements
from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.adapters.log import Log
from dsr_verifier.adapters.log_store import PostgresLog
from dsr_verifier.application.sequencing import Sequencer
from dsr_verifier.log_ports import Fact
from dsr_wire import merkle
from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.verifying import verify
from dsr_wire.log.checkpoints import Checkpoint, open_checkpoint
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import sign_note
from dsr_wire.log.proofs import check_consistency, check_inclusion
from support.builders import NOW
from support.transparency import a_signer

MORE = 10_000
KINDS = [Kind.AUDIT, Kind.SYSTEM_KEYS, Kind.REGISTRY, Kind.RULES]


def fact(number: int) -> Fact:
    return Fact(KINDS[number % len(KINDS)], hashlib.sha256(b"more %d" % number).digest(), NOW)


async def appended(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    sequencer = Sequencer(
        log=PostgresLog(pool, statements),
        published=FakePublished(),
        origin=ORIGIN,
        signers=(a_signer(ORIGIN),),
        clock=lambda: NOW,
    )
    while (await sequencer.step()).leaves:
        pass


def tree_of(checkpoint: str) -> Checkpoint:
    found, _ = open_checkpoint(checkpoint, [a_signer(ORIGIN).public], origin=ORIGIN)
    return found


@dataclass(frozen=True)
class Grown:
    """A closure's certificate from before and from after the log grew."""

    first: Certificate
    last: Certificate


async def certified(certificates: Certificates, request_id: RequestId) -> Certificate:
    found = await certificates.certificate(request_id)
    assert found is not None
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def grown(certificates: Certificates, pool: asyncpg.Pool[asyncpg.Record]) -> Grown:
    world = World(PostgresLedger(pool), a_registry_view())
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record(answers_of_all(request_id))
    await appended(pool)
    first = await certified(certificates, request_id)
    await PostgresLog(pool, statements).offer([fact(number) for number in range(MORE)])
    await appended(pool)
    return Grown(first, await certified(certificates, request_id))


async def test_a_certificate_holds_after_ten_thousand_more_leaves(
    grown: Grown, certificates: Certificates, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    first, last = tree_of(grown.first.log.checkpoint), tree_of(grown.last.log.checkpoint)
    assert (grown.first.log.index, grown.first.statement) == (
        grown.last.log.index,
        grown.last.statement,
    )
    assert last.size == first.size + MORE
    for one in (grown.first, grown.last):
        assert verify(one.to_bytes(), certificates.keys(), registries=[REGISTRY]).is_good
    check_consistency(
        first=first.size,
        second=last.size,
        first_root=first.root,
        second_root=last.root,
        hashes=await Log(pool).consistency(first.size, last.size),
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_fact_is_a_leaf_with_its_proof(
    kind: Kind, grown: Grown, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    del grown
    wanted = next(one for one in map(fact, range(MORE - 4, MORE)) if one.kind is kind)
    row = await pool.fetchrow(
        "select leaf_index, data from verifier.log_leaves where kind = $1 and digest = $2",
        kind.value,
        wanted.digest,
    )
    assert row is not None
    assert Leaf.read(row["data"]) == Leaf(kind, wanted.digest.hex(), NOW)
    proof = await Log(pool).proof(row["leaf_index"])
    tree = tree_of(proof.checkpoint)
    check_inclusion(
        merkle.leaf_hash(row["data"]),
        index=proof.index,
        size=tree.size,
        hashes=proof.hashes,
        root=tree.root,
    )


async def log_check(client: httpx.AsyncClient, earlier: str) -> LogReport:
    """What `dsr log check --from` says, over the routes as they are."""
    loop = asyncio.get_running_loop()

    def answer(request: httpx.Request) -> httpx.Response:
        found = asyncio.run_coroutine_threadsafe(client.get(request.url.path), loop).result(30)
        return httpx.Response(found.status_code, content=found.content)

    with httpx.Client(transport=httpx.MockTransport(answer)) as reading:
        site = LogSite("http://verifier.test/tlog/", reading)
        return await asyncio.to_thread(check_log, site, [a_signer(ORIGIN).public], earlier)


async def test_log_check_goes_from_the_checkpoint_of_a_certificate_to_the_newest(
    grown: Grown, client: httpx.AsyncClient
) -> None:
    report = await log_check(client, grown.first.log.checkpoint)
    assert report.is_good
    assert "consistency" in {one.part for one in report.checks}


async def test_log_check_refuses_a_checkpoint_of_another_log(
    grown: Grown, client: httpx.AsyncClient
) -> None:
    forged = Checkpoint(ORIGIN, tree_of(grown.first.log.checkpoint).size, b"\x01" * 32)
    report = await log_check(client, sign_note(forged.text(), [a_signer(ORIGIN)]))
    assert not report.is_good
