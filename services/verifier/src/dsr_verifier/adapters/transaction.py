"""One transaction of the ledger, as SQL over arrays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import asyncpg

from dsr_core import tracing
from dsr_core.acknowledgements import Acknowledgement, Standing
from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.rights import Right
from dsr_runtime.outbox import enqueue
from dsr_verifier.adapters import amendments, arrays, copies, phases, statements
from dsr_verifier.adapters.closing import closure_records
from dsr_verifier.adapters.dead_letters import letter
from dsr_verifier.adapters.links import tell_links
from dsr_verifier.adapters.plans import Connection, Plan, Plans, plan_id
from dsr_verifier.adapters.rows import (
    delivery_text,
    exemptions_text,
    headers_text,
    headers_value,
    scope_text,
    settled_by_text,
    standing_of,
)
from dsr_verifier.adapters.told_closures import ToldClosures, as_told
from dsr_verifier.evidence import reread
from dsr_verifier.model import Breach, Effect, KeptAmendment, Key
from dsr_verifier.ports import (
    Answer,
    Batch,
    Change,
    LedgerRequest,
    Opening,
    Pair,
    ParkedAnswer,
    Received,
    Refusal,
    Settled,
    Settlement,
)
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.codec.amendments import Amendment
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.copies import SettledCopy
from dsr_wire.codec.obligations import OpenedObligations, ToldPhase
from dsr_wire.codec.phases import ConfirmedPhase
from dsr_wire.envelope import Outgoing

__all__ = ["SCHEMA", "PostgresTransaction"]

SCHEMA = "verifier"


class PostgresTransaction:
    """The port's Transaction on one connection."""

    def __init__(
        self,
        connection: Connection,
        plans: Plans,
        told: ToldClosures = MappingProxyType({}),
    ) -> None:
        self._connection = connection
        self._plans = plans
        self._told = told
        self._rights: dict[RequestId, Right] = {}

    async def lock(self, request_ids: Collection[RequestId]) -> dict[RequestId, LedgerRequest]:
        """Return the known ones among these requests, locked until the transaction ends."""
        rows = await self._connection.fetch(statements.LOCK, arrays.bare(request_ids))
        plans = await self._plans.get(self._connection, _plan_ids(rows))
        # Only what was amended costs a statement more.
        was_amended = [row["request_id"] for row in rows if row["home_cohort_id"] is not None]
        applied = await amendments.applied(self._connection, was_amended) if was_amended else {}
        found: dict[RequestId, LedgerRequest] = {}
        for row in rows:
            request_id = RequestId(str(row["request_id"]))
            right = Right(row["asked_right"])
            plan = plans[row["plan_id"]]
            opened = plans[row["opened_plan_id"]] if row["opened_plan_id"] else None
            self._rights[request_id] = right
            found[request_id] = LedgerRequest(
                request_id=request_id,
                cohort_id=CohortId(str(row["cohort_id"])),
                right=right,
                registry_digest=plan.registry_digest,
                systems=plan.systems,
                open_count=row["open_count"],
                closed_at=row["closed_at"],
                due_at=row["due_at"],
                opened_at=row["opened_at"],
                home_cohort_id=CohortId(str(row["home_cohort_id"] or row["cohort_id"])),
                stopping=Outcome(row["stopping"]) if row["stopping"] else None,
                amendments=applied.get(request_id, ()),
                opened=opened.systems if opened else None,
                looks_again=(opened or plan).looks_again,
                phases=(opened or plan).phases,
            )
        return found

    async def open(self, opened: Sequence[OpenedObligations], at: datetime) -> Opening:
        """Write requests that are not there yet."""
        known = [
            Plan(one.registry_digest, dict(one.systems), one.looks_again, one.phases)
            for one in opened
        ]
        plans = [plan_id(one) for one in known]
        await self._plans.add(self._connection, dict(zip(plans, known, strict=True)))
        rows = {
            request_id: (one, plan)
            for one, plan in zip(reversed(opened), reversed(plans), strict=True)
            for request_id in one.request_ids
        }
        inserted = await self._connection.fetch(
            statements.ADD_REQUESTS,
            list(rows),
            [one.cohort_id for one, _ in rows.values()],
            [plan for _, plan in rows.values()],
            [one.right.value for one, _ in rows.values()],
            [one.regime for one, _ in rows.values()],
            [one.due_at for one, _ in rows.values()],
            [one.opened_at for one, _ in rows.values()],
            [len(one.systems) for one, _ in rows.values()],
            [one.rules_digest or None for one, _ in rows.values()],
            [one.received_at for one, _ in rows.values()],
            [scope_text(one.scope) for one, _ in rows.values()],
            at,
        )
        new = [RequestId(str(row["request_id"])) for row in inserted]
        await self._tell([Change(one, None, None, is_confirmed=False) for one in new], at)
        await phases.begin(self._connection, opened)
        return Opening(
            new,
            await self._differing(opened, plans, len(new)),
            [RequestId(str(row["request_id"])) for row in inserted if row["is_amended"]],
        )

    async def trace(self, spans: Mapping[RequestId, str]) -> None:
        """Keep the spans in which requests were opened, until they are closed."""
        await self._connection.execute(statements.ADD_SPANS, list(spans), list(spans.values()))

    async def _spans(self, request_ids: Sequence[RequestId]) -> dict[RequestId, str]:
        rows = await self._connection.fetch(statements.TAKE_SPANS, request_ids)
        return {RequestId(str(row["request_id"])): row["traceparent"] for row in rows}

    async def keep(self, kept: Sequence[KeptAmendment], at: datetime) -> list[int]:
        """Write amendments that are not there yet; return the places of those whose key is taken."""
        return await amendments.keep(self._connection, kept, at)

    async def waiting(self, request_ids: Collection[RequestId]) -> list[Amendment]:
        """Return the amendments of these requests of which nothing has become yet, in order."""
        return await amendments.waiting(self._connection, request_ids)

    async def amend(
        self,
        requests: Collection[tuple[LedgerRequest, Sequence[SystemId]]],
        effects: Mapping[Key, Effect],
        at: datetime,
    ) -> None:
        """Write what amendments make of requests, and what became of each amendment."""
        await amendments.amend(self._connection, requests, effects, at)
        await phases.leave(self._connection, [one for one, _ in requests])

    async def breach(
        self, breaches: Collection[Breach], at: datetime, *, instead_of: Collection[RequestId] = ()
    ) -> list[Breach]:
        """Write breaches of holds; return the new ones."""
        return await amendments.breach(self._connection, breaches, at, instead_of)

    async def append(
        self, batches: Iterable[Batch], answers: Sequence[Answer], at: datetime
    ) -> set[bytes]:
        """Write answers and the batches that they came in; return the hashes of those there already."""
        kept = list(batches)
        await self._connection.execute(
            statements.ADD_BATCHES,
            [one.id for one in kept],
            [one.system_id for one in kept],
            [one.key_id for one in kept],
            [one.size for one in kept],
            [one.signature for one in kept],
            [one.leaf_hashes for one in kept],
            [one.received.received_at for one in kept],
        )
        rows = await self._connection.fetch(statements.ADD_ANSWERS, *_answer_columns(answers), at)
        return {row["leaf_hash"] for row in rows}

    async def standings(self, pairs: Collection[Pair]) -> dict[Pair, Standing]:
        """Return where these obligations stand; those that were never answered are left out."""
        rows = await self._connection.fetch(statements.STANDINGS, *_pair_columns(pairs))
        found: dict[Pair, Standing] = {}
        for row in rows:
            pair = (row["request_id"], row["system_id"])
            found[pair] = standing_of(row, self._rights[pair[0]])
        return found

    async def answers(self, pairs: Collection[Pair]) -> dict[Pair, list[Acknowledgement]]:
        """Return every answer to these obligations that is recorded, this transaction's included."""
        rows = await self._connection.fetch(statements.ANSWERS, *_pair_columns(pairs))
        found: defaultdict[Pair, list[Acknowledgement]] = defaultdict(list)
        for row in rows:
            pair = (RequestId(str(row["request_id"])), SystemId(row["system_id"]))
            found[pair].append(acknowledgement_from_bytes(row["leaf"]))
        return found

    async def standings_of(
        self, request_ids: Collection[RequestId]
    ) -> dict[RequestId, dict[SystemId, Standing]]:
        """Return where the answered obligations of requests stand."""
        rows = await self._connection.fetch(statements.STANDINGS_OF, arrays.bare(request_ids))
        found: dict[RequestId, dict[SystemId, Standing]] = {one: {} for one in request_ids}
        for row in rows:
            request_id = row["request_id"]
            found[request_id][row["system_id"]] = standing_of(row, self._rights[request_id])
        return found

    async def settle(self, settlement: Settlement, at: datetime) -> None:
        """Write new standings, counters, closures with their message, and the change feed."""
        await self._set_standings(settlement.obligations, at)
        closures, news = as_told(settlement.closures, self._told)
        closed = {one.request_id: one.closed_at for one in closures}
        if settlement.open_counts:
            await self._connection.execute(
                statements.SET_COUNTS,
                arrays.bare(settlement.open_counts),
                arrays.bare(settlement.open_counts.values()),
                [closed.get(request_id) for request_id in settlement.open_counts],
            )
        if closures:
            await self._add_closures(closures)
            closed_ids = [one.request_id for one in closures]
            spans = await self._spans(closed_ids) if tracing.is_on() else {}
            records = closure_records(news, at, spans)
            await enqueue(self._connection, SCHEMA, records)
        await self._tell(list(settlement.changes()), at)

    async def advance(self, cohort_ids: Collection[CohortId], at: datetime) -> list[ConfirmedPhase]:
        """Write which phases of cohorts are confirmed now, with their message; return the new ones."""
        return await phases.advance(self._connection, cohort_ids, at, SCHEMA)

    async def awaiting(self, over: Collection[RequestId]) -> list[CohortId]:
        """Return the cohorts that may be told once these requests are over, the open ones."""
        return await phases.waiting(self._connection, over)

    async def settle_copies(self, settled: Sequence[SettledCopy]) -> None:
        """Write that copies are settled."""
        await copies.settle(self._connection, settled)

    async def tell(self, told: Sequence[ToldPhase]) -> None:
        """Write that phases are told; of one that was told twice, the first time stays."""
        await phases.tell(self._connection, told)

    async def add_late(self, answers: Sequence[Answer]) -> None:
        """Write of recorded answers that they came after the closing."""
        await self._connection.execute(statements.ADD_LATE, *_answer_columns(answers)[:4])

    async def tell_links(self, answers: Sequence[Answer], at: datetime) -> None:
        """Tell intake of the links that answers hold, when this transaction commits."""
        await tell_links(self._connection, SCHEMA, answers, at)

    async def contradict(self, against: Mapping[Pair, bool]) -> None:
        """Write whether obligations of closed requests are contradicted by what came since."""
        columns = (*_pair_columns(against.keys()), list(against.values()))
        await self._connection.execute(statements.CONTRADICT, *columns)

    async def parked_counts(self, system_ids: Collection[SystemId]) -> dict[SystemId, int]:
        """Return how many answers of each system are parked."""
        rows = await self._connection.fetch(statements.PARKED_COUNTS, list(system_ids))
        return {SystemId(row["system_id"]): row["count"] for row in rows}

    async def park(self, parked: Sequence[ParkedAnswer], at: datetime) -> None:
        """Keep answers for requests that are not known yet; the same ones again change nothing."""
        batches = list({one.batch.id: one.batch for one in parked}.values())
        received = [one.received for one in batches]
        await self._connection.execute(
            statements.PARK_RECORDS,
            [one.id for one in batches],
            [one.topic for one in received],
            [one.partition for one in received],
            [one.offset for one in received],
            [one.key for one in received],
            [one.value for one in received],
            [headers_text(one.headers) for one in received],
            [one.received_at for one in received],
        )
        answers = [one.answer for one in parked]
        await self._connection.execute(statements.PARK, *_answer_columns(answers), at)

    async def unpark(self, request_ids: Collection[RequestId]) -> list[ParkedAnswer]:
        """Take the parked answers to these requests out."""
        return await self._take_out(statements.UNPARK, list(request_ids))

    async def expire(self, before: datetime, limit: int) -> list[ParkedAnswer]:
        """Take answers out that were parked before a time, the oldest first."""
        return await self._take_out(statements.EXPIRE, before, limit)

    async def bury(self, refusals: Sequence[Refusal], at: datetime) -> None:
        """Dead-letter records when this transaction commits."""
        letters = [_with_text_headers(letter(refusal, at)) for refusal in refusals]
        await enqueue(self._connection, SCHEMA, letters)

    async def _take_out(self, statement: str, *arguments: object) -> list[ParkedAnswer]:
        rows = await self._connection.fetch(statement, *arguments)
        if not rows:
            return []
        ids = list({row["batch_id"] for row in rows})
        batches: dict[UUID, Batch] = {}
        for row in await self._connection.fetch(statements.PARKED_RECORDS, ids):
            received = Received(
                row["topic"],
                row["partition"],
                row["record_offset"],
                row["key"],
                row["value"],
                headers_value(row["headers"]),
                row["received_at"],
            )
            batches[row["batch_id"]] = reread(received)
        await self._connection.execute(statements.DROP_PARKED_RECORDS, ids)
        return [
            ParkedAnswer(
                Answer(
                    acknowledgement_from_bytes(row["leaf"]),
                    row["leaf"],
                    row["leaf_hash"],
                    batches[row["batch_id"]].id,
                    row["leaf_index"],
                ),
                batches[row["batch_id"]],
            )
            for row in rows
        ]

    async def _differing(
        self, opened: Sequence[OpenedObligations], plans: Sequence[UUID], new: int
    ) -> list[int]:
        if new == sum(len(one.request_ids) for one in opened):
            return []
        asked = {request_id for one in opened for request_id in one.request_ids}
        rows = await self._connection.fetch(statements.OPENED_AS, list(asked))
        present = {
            RequestId(str(row["request_id"])): (
                str(row["cohort_id"]),
                row["plan_id"],
                row["asked_right"],
            )
            for row in rows
        }
        return [
            place
            for place, (one, plan) in enumerate(zip(opened, plans, strict=True))
            if any(
                present[request_id] != (one.cohort_id, plan, one.right.value)
                for request_id in one.request_ids
            )
        ]

    async def _set_standings(self, settled: Sequence[Settled], at: datetime) -> None:
        rows = [(one, one.standing.answer) for one in settled if one.standing.answer is not None]
        answers = [answer for _, answer in rows]
        await self._connection.execute(
            statements.SET_STANDINGS,
            arrays.bare(one.request_id for one, _ in rows),
            arrays.words(one.system_id for one, _ in rows),
            arrays.bare(answer.sequence for answer in answers),
            arrays.bare(answer.records for answer in answers),
            arrays.bare(one.standing.contradictions for one, _ in rows),
            arrays.flags(one.standing.is_confirmed for one, _ in rows),
            arrays.flags(one.standing.is_contradicted for one, _ in rows),
            [answer.answered_at for answer in answers],
            arrays.some([answer.retry_at for answer in answers]),
            arrays.words(answer.disposition.value for answer in answers),
            arrays.some([answer.reason or None for answer in answers]),
            arrays.some([exemptions_text(answer.exemptions) for answer in answers]),
            arrays.some([settled_by_text(answer.settled_by) for answer in answers]),
            arrays.some([delivery_text(answer.delivery) for answer in answers]),
            at,
        )

    async def _add_closures(self, closures: Sequence[Closure]) -> None:
        await self._connection.execute(
            statements.ADD_CLOSURES,
            arrays.bare(one.request_id for one in closures),
            arrays.bare(one.cohort_id for one in closures),
            arrays.words(one.right.value for one in closures),
            arrays.words(one.outcome.value for one in closures),
            [one.closed_at for one in closures],
            arrays.bare(one.obligations for one in closures),
            [one.evidence_digest for one in closures],
            [one.registry_digest for one in closures],
        )

    async def _tell(self, changes: Sequence[Change], at: datetime) -> None:
        if changes:
            await self._connection.execute(
                statements.ADD_CHANGES,
                at,
                arrays.bare(one.request_id for one in changes),
                arrays.words(one.system_id for one in changes),
                arrays.words(one.disposition and one.disposition.value for one in changes),
                arrays.flags(one.is_confirmed for one in changes),
            )


def _plan_ids(rows: Iterable[asyncpg.Record]) -> set[UUID]:
    """Return the plans of requests, those that they were opened by included."""
    ids = {one for row in rows for one in (row["plan_id"], row["opened_plan_id"])}
    return ids - {None}


def _pair_columns(pairs: Collection[Pair]) -> tuple[str, str]:
    return (
        arrays.bare(request_id for request_id, _ in pairs),
        arrays.words(system_id for _, system_id in pairs),
    )


def _answer_columns(answers: Sequence[Answer]) -> tuple[str | list[bytes], ...]:
    acknowledgements = [one.acknowledgement for one in answers]
    return (
        arrays.bare(one.request_id for one in acknowledgements),
        arrays.words(one.system_id for one in acknowledgements),
        arrays.bare(one.sequence for one in acknowledgements),
        [one.leaf_hash for one in answers],
        arrays.bare(one.batch_id for one in answers),
        arrays.bare(one.place for one in answers),
        [one.leaf for one in answers],
    )


def _with_text_headers(letter: Outgoing) -> Outgoing:
    """Return a letter whose headers the outbox can hold, since it keeps them as text."""
    headers = tuple((name, data.decode(errors="replace").encode()) for name, data in letter.headers)
    return Outgoing(letter.topic, letter.key, letter.value, headers)
