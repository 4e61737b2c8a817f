"""Certificates from the real ledger and its log: what they show holds, whoever checks it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from integration.verifier.conftest import ORIGIN
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

from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_verifier.adapters.certifying import Certificates, statements
from dsr_verifier.adapters.log_store import PostgresLog
from dsr_verifier.application.sequencing import Sequencer
from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.verifying import verify
from dsr_wire.codec.amendments import DueDateMoved, LeftCohort
from dsr_wire.codec.decisions import ObligationSettled, Stopped
from dsr_wire.log.checkpoints import Checkpoint
from support.builders import NOW, days
from support.transparency import a_signer

D = Disposition


@dataclass
class Nothing:
    """No checkpoint has been published."""

    async def largest(self) -> tuple[Checkpoint, ...]:
        return ()


@pytest.fixture
def sequencer(pool: asyncpg.Pool[asyncpg.Record]) -> Sequencer:
    return Sequencer(
        log=PostgresLog(pool, statements),
        published=Nothing(),
        origin=ORIGIN,
        signers=(a_signer(ORIGIN),),
        clock=lambda: NOW,
    )


async def shown(
    certificates: Certificates, sequencer: Sequencer, request_id: RequestId
) -> Certificate:
    """The certificate of a request, which holds against the published keys and the registry."""
    while (await sequencer.step()).leaves:
        pass
    found = await certificates.certificate(request_id)
    assert found is not None
    report = verify(found.to_bytes(), certificates.keys(), registries=[REGISTRY])
    assert report.failures == ()
    return found


async def test_a_certificate_shows_every_answer_of_a_busy_batch_and_no_neighbour(
    world: World, certificates: Certificates, sequencer: Sequencer
) -> None:
    closed = [a_new_request_id() for _ in range(9)]
    await world.open(*closed, cohort_id=a_home_of(closed[0]), rules_digest="5f" * 32)
    await world.record([batch(*(answer(one, disposition=D.IN_PROGRESS) for one in closed))])
    kept = [answer(one, disposition=D.EXEMPT, sequence=2) for one in closed]
    gone = [answer(one, "mailer") for one in closed]
    assert len((await world.record([batch(*kept), batch(*gone, by="mailer")])).closures) == 9
    for one in closed:
        found = await shown(certificates, sequencer, one)
        assert [len(each.answers) for each in found.statement.obligations] == [2, 1]
        data = found.to_bytes()
        assert [other for other in closed if other.encode() in data] == [one]


async def test_a_late_answer_is_no_part_of_a_certificate(
    world: World, certificates: Certificates, sequencer: Sequencer
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record(answers_of_all(request_id))
    await world.record([batch(answer(request_id, disposition=D.FAILED, sequence=7))])
    assert len((await shown(certificates, sequencer, request_id)).answers) == 2


async def test_a_certificate_shows_what_people_decided(
    world: World, certificates: Certificates, sequencer: Sequencer
) -> None:
    request_id = a_new_request_id()
    home = a_home_of(request_id)
    await world.open(request_id, cohort_id=home)
    settled = ObligationSettled(
        system_id=SystemId("crm"),
        disposition=D.ERASED,
        proposed_by="operator-a",
        approved_by="operator-b",
        reason="the machine was scrapped",
    )
    changes = (
        LeftCohort(CohortId(request_id)),
        DueDateMoved(NOW + days(60)),
        Stopped(Outcome.WITHDRAWN),
        settled,
    )
    await world.amend(
        *(
            amendment(request_id, change, cohort_id=home, revision=revision)
            for revision, change in enumerate(changes, 1)
        )
    )
    await world.record([batch(answer(request_id, "mailer", D.STOPPED), by="mailer")])
    found = await shown(certificates, sequencer, request_id)
    assert (found.statement.outcome, len(found.amendments)) == (Outcome.WITHDRAWN, 4)


async def test_a_certificate_is_pending_until_a_checkpoint_covers_it(
    world: World, client: httpx.AsyncClient, sequencer: Sequencer
) -> None:
    request_id = a_new_request_id()
    path = f"/v1/requests/{request_id}/certificate"
    assert (await client.get(path)).status_code == 404
    await world.open(request_id)
    assert (await client.get(path)).status_code == 404
    await world.record(answers_of_all(request_id))
    pending = await client.get(path)
    assert (pending.status_code, pending.headers["Retry-After"]) == (409, "1")
    assert pending.json()["type"].endswith("certificate_pending")
    while (await sequencer.step()).leaves:
        pass
    found = await client.get(path)
    assert found.status_code == 200
    published = await client.get("/v1/evidence-keys")
    assert verify(found.content, PublishedKeys.from_bytes(published.content)).is_good
    assert json.loads(found.content)["statement"]["request_id"] == request_id
