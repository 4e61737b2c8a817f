"""A deletion request goes all the way round."""

from __future__ import annotations

import uuid
from itertools import pairwise

from temporalio.client import Client, WorkflowExecutionStatus

from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.people import submission
from dsr_cli.group.keys import HYBRID
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.registry_topic import read_book
from dsr_examples.catalogue import EXAMPLES
from dsr_wire.keys import SealingAlgorithm
from support.command import dsr
from support.loop import Loop
from support.waiting import eventually

SYSTEMS = {one.system_id for one in EXAMPLES}
CONFIRMING = {"erased", "absent", "not_found", "partially_exempt", "exempt"}


async def test_every_system_confirms_and_the_request_is_answered(loop: Loop) -> None:
    person = loop.person()
    before = await holdings(loop.stack, [person])

    request_id = await loop.submit(person)
    await loop.answered(request_id)

    found = await loop.obligations(request_id)
    assert set(found) == SYSTEMS
    assert all(one["is_confirmed"] for one in found.values())
    assert {one["disposition"] for one in found.values()} <= CONFIRMING
    after = await holdings(loop.stack, [person])
    for system_id, one in found.items():
        held, left = before[system_id], after[system_id]
        match one["disposition"]:
            case "erased" | "absent":
                assert (held.theirs > 0, left.theirs) == (True, 0)
                assert one["records"] == held.theirs
            case "not_found":
                assert (held.theirs, left.theirs) == (0, 0)
            case "partially_exempt":
                assert left.theirs > 0
                assert one["exemptions"][0]["ground"]
                assert one["exemptions"][0]["review_at"]
        assert held.total - left.total == held.theirs - left.theirs
    assert await loop.closures(request_id) == 1


async def test_a_system_with_a_post_quantum_key_is_sealed_for_and_opens_what_it_gets(
    loop: Loop,
) -> None:
    request_id = await loop.submit()
    await loop.answered(request_id)
    found = await loop.obligations(request_id)
    [system_id] = HYBRID
    registered = read_book(kafka_admin(loop.stack)).keys(system_id)
    assert registered is not None
    assert registered.sealing.algorithm is SealingAlgorithm.HYBRID
    assert found[system_id]["disposition"] in CONFIRMING


async def test_the_key_is_gone_once_the_request_is_answered(loop: Loop) -> None:
    request_id = await loop.submit()
    await loop.answered(request_id)
    keys = await loop.query(
        "select 1 from intake_keys.request_keys where request_id::text = $1", request_id
    )
    assert not keys


async def test_a_batch_is_one_cohort_and_every_line_is_answered(loop: Loop) -> None:
    people = [loop.person() for _ in range(12)]
    lines = [{**submission(one), "idempotency_key": str(uuid.uuid4())} for one in people]
    async with loop.client() as client:
        results = [one async for one in client.submit_batch(lines)]
        again = [one async for one in client.submit_batch(lines)]
    assert [one["status"] for one in results] == [202] * 12
    assert [one["id"] for one in again] == [one["id"] for one in results]
    ids = [one["id"] for one in results]
    await loop.answered(*ids)
    jurisdictions = {submission(one)["jurisdiction"] for one in people}
    cohorts = {(await loop.show(one))["cohort_id"] for one in ids}
    assert len(cohorts) == len(jurisdictions)


async def test_the_workflow_ends_after_the_last_member_is_answered(loop: Loop) -> None:
    request_id = await loop.submit()
    await loop.answered(request_id)
    temporal = await Client.connect(loop.stack.temporal_address)
    handle = temporal.get_workflow_handle(f"dsr-{request_id}")

    async def completed() -> bool:
        return (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED

    await eventually(completed, what="the workflow has completed")
    history = await handle.fetch_history()
    assert len(history.events) <= 25 + 2 * 8, "two further phases, of eight events each"


async def test_copies_are_erased_before_what_they_come_from(loop: Loop) -> None:
    request_id = await loop.submit()
    await loop.answered(request_id)
    async with loop.client() as client:
        document = await client.obligations(request_id)
    phases = document["phases"]
    assert len(phases) == 3
    assert not any(one["is_due"] for one in phases)
    for earlier, later in pairwise(phases):
        assert earlier["confirmed_at"] <= later["told_at"]
    answered = {one["system_id"]: one["answered_at"] for one in document["obligations"]}
    for system_id, phase in ((one["system_id"], one["phase"]) for one in document["obligations"]):
        assert answered[system_id] >= phases[phase]["told_at"]
    assert {one["system_id"] for one in document["obligations"] if one["phase"] == 2} == {
        "accounts"
    }


async def test_a_system_that_never_answers_keeps_the_request_open_and_is_named(loop: Loop) -> None:
    loop.stack.stop(loop.system("newsletter"))
    try:
        request_id = await loop.submit()

        async def only_one_missing() -> bool:
            return await loop.missing(request_id) == {"newsletter"}

        await eventually(only_one_missing, within=30, what="all who were told have confirmed")
        assert (await loop.show(request_id))["state"] == "open"
        assert await loop.closures(request_id) == 0
        said = (await dsr(loop.stack.settings, "explain", request_id, "--json")).json
        waiting, unanswered = said["blockers"]
        assert waiting["kind"] == "system_waits_its_turn"
        assert waiting["what"] == "accounts waits for newsletter to be done first"
        assert unanswered["system_id"] == "newsletter"
        assert unanswered["owner"]
        assert said["next_date"]["name"]
    finally:
        loop.stack.start(loop.system("newsletter"))
    await loop.answered(request_id)
    said = (await dsr(loop.stack.settings, "explain", request_id, "--json")).json
    assert said["blockers"] == []
