"""A ledger that an earlier verifier filled is brought to the newest version, and goes on."""

from __future__ import annotations

import uuid
from pathlib import Path

from integration.verifier.group import Group
from integration.verifier.processes import INPUTS, Verifier, closures_of

from dsr_cli.stack import Stack
from dsr_core.closing import Outcome
from dsr_core.ids import RequestId
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.decisions import Stopped
from support import parts
from support.old_schemas import filled
from support.topics import begin_at_the_end
from support.waiting import eventually

ROWS = Path(__file__).parent / "filled_0003.sql"


def of(number: int) -> RequestId:
    return RequestId(f"019a0000-0000-7000-8000-{number:012d}")


async def test_requests_of_before_close_by_what_was_answered_then_and_now(
    kafka: KafkaConnection, stack: Stack, publisher: Publisher, group: Group, tmp_path: Path
) -> None:
    first, *others = (one.id for one in group.systems)
    owners = [one.organisation_id for one in group.systems]
    values = {
        "registry": group.registry_digest,
        "systems": f"{{{','.join([first, *others])}}}",
        "organisations": f"{{{','.join(owners)}}}",
        "system": first,
    }
    with parts.fresh_database(stack) as dsn:
        await filled(
            dsn,
            package="dsr_verifier",
            schema="verifier",
            revision="0003",
            rows=ROWS,
            values=values,
        )
        group_id = f"dsr.verifier.test-{uuid.uuid4().hex[:8]}"
        await begin_at_the_end(kafka, group_id, INPUTS)
        verifier = Verifier(kafka, dsn, group_id, tmp_path / "verifier.log")
        async with verifier, closures_of(kafka) as closures:
            before = await verifier.get(f"/v1/requests/{of(11)}/obligations")
            assert (before["expected"], before["open"]) == (3, 2)
            closed = await verifier.get(f"/v1/requests/{of(13)}/closure")
            assert closed["outcome"] == "fulfilled"
            await publisher.publish([group.answered(one, of(11)) for one in others])
            await publisher.publish([group.amended(Stopped(Outcome.REFUSED), of(12))])

            async def stopping() -> bool:
                read = await verifier.get(f"/v1/requests/{of(12)}/obligations")
                return bool(read["stopping"] == Outcome.REFUSED)

            # Answers come by another topic: those read before it would fulfil the request.
            await eventually(stopping, what="the refusal")
            await publisher.publish([group.answered(one, of(12)) for one in (first, *others)])

            async def ended() -> dict[RequestId, Closure] | None:
                found = {one.request_id: one for one in await closures.closures()}
                return found if {of(11), of(12)} <= found.keys() else None

            found = await eventually(ended, what="both closures")
            assert found[of(11)].outcome is Outcome.FULFILLED
            assert found[of(11)].obligations == 3
            assert found[of(12)].outcome is Outcome.REFUSED
            assert of(13) not in found
            assert await verifier.stop() < 10
