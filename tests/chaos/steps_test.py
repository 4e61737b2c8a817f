"""A process is killed just before and just after each durable write of the loop, and nothing shows it."""

from __future__ import annotations

import asyncio

import pytest
from chaos.crashes import Aftermath, Crashing, Submitted, submit_surely

from dsr_core.rights import Right
from dsr_examples.catalogue import example
from dsr_wire.topics import ACKNOWLEDGEMENTS, CLOSURES, REQUESTS, notice_topic
from support.crash_points import POINTS, REFUSALS, SYSTEMS
from support.crash_writes import CrashPoint
from support.forging import consumed, send
from support.loop import Loop
from support.rubbish import marked, rubbish

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point.step}-{point.name}")
async def test_a_crash_there_loses_nothing_and_doubles_nothing(
    loop: Loop, crashing: Crashing, aftermath: Aftermath, point: CrashPoint
) -> None:
    submitted = Submitted(aftermath.person())
    before = await aftermath.held(submitted.person)
    crashing.arm(point)
    async with loop.client() as client:
        accepted = asyncio.create_task(submit_surely(client, submitted))
        await crashing.crashed(point)
        await accepted
    await aftermath.is_whole([submitted], before)


_REFUSED_IN = {
    "refuse.request": {REQUESTS.name: "dsr.v1.CohortAccepted"},
    "refuse.notice": {
        notice_topic(Right.DELETION, example(system_id).organisation_id).name: "dsr.v1.Notice"
        for system_id in SYSTEMS
    },
    "refuse.answer": {ACKNOWLEDGEMENTS.name: "dsr.v1.SignedAcknowledgements"},
    "refuse.closure": {CLOSURES.name: "dsr.v1.Closures"},
}


@pytest.mark.parametrize("point", REFUSALS, ids=lambda point: f"{point.step}-{point.name}")
async def test_a_crash_at_a_dead_letter_loses_no_bad_record_and_stops_no_stream(
    loop: Loop, crashing: Crashing, aftermath: Aftermath, point: CrashPoint
) -> None:
    topics = _REFUSED_IN[point.name.rpartition(".")[0]]
    bad = {topic: next(rubbish(topic, ce_type)) for topic, ce_type in topics.items()}
    crashing.arm(point)
    send(loop, *(one.record for one in bad.values()))
    await crashing.crashed(point)
    await consumed(loop, *topics)
    for topic, one in bad.items():
        letters = [found for found in loop.dead_letters(topic) if marked(found.headers) == one.mark]
        assert letters, f"{topic}: the bad record is lost"
        assert {found.said("reason") for found in letters} <= one.reasons

    submitted = Submitted(aftermath.person())
    before = await aftermath.held(submitted.person)
    async with loop.client() as client:
        await submit_surely(client, submitted)
    await aftermath.is_whole([submitted], before)
