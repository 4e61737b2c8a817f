"""What certificates are made of, read from the ledger: a few statements of SQL for many closures."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

import asyncpg

from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.rights import Right
from dsr_runtime.postgres import translated
from dsr_verifier.adapters.amendments import amendment_of
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.adapters.rows import scope_of
from dsr_verifier.log_ports import LogReader
from dsr_wire.certificate.asked import Asked
from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.making import make_certificate, shown_answer
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.statement import StatedAnswer, StatedObligation, Statement
from dsr_wire.log.leaves import Leaf
from dsr_wire.terms import in_order

__all__ = ["Certificates", "statements"]

_CLOSED = """
select c.request_id, c.cohort_id, c.asked_right, c.outcome, c.closed_at, c.obligations,
    c.evidence_digest, c.registry_digest, r.regime, r.rules_digest, r.opened_at, r.due_at,
    r.stopping, r.home_cohort_id, r.received_at, r.asked_scope, p.system_ids, p.organisation_ids,
    coalesce(o.registry_digest, p.registry_digest) as planned_digest,
    o.system_ids as opened_system_ids, o.organisation_ids as opened_organisation_ids,
    coalesce(o.looks_again, p.looks_again) as looks_again
from verifier.closures c join verifier.requests r using (request_id)
join verifier.plans p using (plan_id)
left join verifier.plans o on o.plan_id = r.opened_plan_id
where c.request_id = any($1::uuid[])
"""
_ANSWERS = """
select a.request_id, a.system_id, a.leaf_hash, b.received_at
from verifier.acknowledgements a join verifier.batches b using (batch_id)
where a.request_id = any($1::uuid[]) and not exists (
    select from verifier.late_answers l
    where l.request_id = a.request_id and l.system_id = a.system_id
    and l.sequence = a.sequence and l.leaf_hash = a.leaf_hash)
order by a.request_id, a.system_id, a.sequence, a.leaf_hash
"""
_AMENDMENTS = """
select request_id, value from verifier.amendments
where request_id = any($1::uuid[]) and effect = 'applied'
"""

_EVIDENCE = """
select a.system_id, a.leaf_hash, a.leaf, a.leaf_index, b.key_id, b.signature, b.leaf_hashes
from verifier.acknowledgements a join verifier.batches b using (batch_id) where a.request_id = $1
"""

_Answers: TypeAlias = "defaultdict[tuple[UUID, str], list[StatedAnswer]]"


async def statements(
    connection: Connection, request_ids: Collection[RequestId]
) -> Mapping[RequestId, bytes]:
    """Return the statement of each of these requests that is closed, in canonical form.

    The same bytes whenever it is asked: what came after a closing is no part of it. Three queries,
    however many closures; some hundreds at a time keep the memory small.
    """
    rows = await connection.fetch(_CLOSED, list(request_ids))
    if not rows:
        return {}
    closed = [row["request_id"] for row in rows]
    answers: _Answers = defaultdict(list)
    for row in await connection.fetch(_ANSWERS, closed):
        stated = StatedAnswer(row["leaf_hash"], row["received_at"])
        answers[row["request_id"], row["system_id"]].append(stated)
    amended = [row["request_id"] for row in rows if row["home_cohort_id"] is not None]
    applied = await _applied(connection, amended)
    return {
        RequestId(str(row["request_id"])): _statement(
            row, answers, applied.get(row["request_id"], [])
        ).canonical()
        for row in rows
    }


class Certificates:
    """Makes certificates of closures that are in the log."""

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        log: LogReader,
        *,
        published: Callable[[], PublishedKeys],
    ) -> None:
        self._pool = pool
        self._log = log
        self._published = published

    def keys(self) -> PublishedKeys:
        """Return the published keys as they are now."""
        return self._published()

    async def certificate(self, request_id: RequestId) -> Certificate | None:
        """Return the certificate of a request; none while its closure is not in the log."""
        logged = await self._log.closure(request_id)
        if logged is None:
            return None
        proof = await self._log.proof(logged.index)
        with translated():
            async with self._pool.acquire() as connection:
                rows = await connection.fetch(_EVIDENCE, request_id)
                applied = await _applied(connection, [UUID(request_id)])
        return make_certificate(
            Statement.from_canonical(logged.statement),
            {
                (row["system_id"], row["leaf_hash"]): shown_answer(
                    row["leaf"],
                    index=row["leaf_index"],
                    leaf_hashes=row["leaf_hashes"],
                    key_id=row["key_id"],
                    signature=row["signature"],
                )
                for row in rows
            },
            applied.get(UUID(request_id), []),
            leaf=Leaf.read(logged.leaf),
            proof=proof,
            keys=self.keys(),
        )


async def _applied(
    connection: Connection, request_ids: Collection[UUID]
) -> dict[UUID, list[bytes]]:
    """Return the amendments of requests that were applied, as messages, in the order of applying."""
    if not request_ids:
        return {}
    found: defaultdict[UUID, list[bytes]] = defaultdict(list)
    for row in await connection.fetch(_AMENDMENTS, list(request_ids)):
        found[row["request_id"]].append(row["value"])
    return {
        key: sorted(values, key=lambda value: in_order(amendment_of(value)))
        for key, values in found.items()
    }


def _statement(row: asyncpg.Record, answers: _Answers, applied: Collection[bytes]) -> Statement:
    request_id, cohort_id = row["request_id"], CohortId(str(row["cohort_id"]))
    owners = _owners(row["system_ids"], row["organisation_ids"])
    opened_ids = row["opened_system_ids"]
    return Statement(
        request_id=RequestId(str(request_id)),
        right=Right(row["asked_right"]),
        regime=row["regime"],
        home_cohort_id=CohortId(str(row["home_cohort_id"] or cohort_id)),
        cohort_id=cohort_id,
        registry_digest=row["registry_digest"],
        rules_digest=row["rules_digest"],
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        closed_at=row["closed_at"],
        outcome=Outcome(row["outcome"]),
        stopping=Outcome(row["stopping"]) if row["stopping"] else None,
        expected=row["obligations"],
        evidence_digest=row["evidence_digest"],
        opened=_owners(opened_ids, row["opened_organisation_ids"]) if opened_ids else None,
        obligations=tuple(
            StatedObligation(
                system_id=system_id,
                organisation_id=organisation_id,
                answers=tuple(answers.get((request_id, system_id), ())),
            )
            for system_id, organisation_id in sorted(owners.items())
        ),
        amendments=tuple(hashlib.sha256(one).digest() for one in applied),
        looks_again=frozenset(map(SystemId, row["looks_again"])),
        asked=_asked(row),
    )


def _asked(row: asyncpg.Record) -> Asked | None:
    if row["received_at"] is None:
        return None
    return Asked(
        received_at=row["received_at"],
        registry_digest=row["planned_digest"],
        scope=scope_of(row["asked_scope"]),
    )


def _owners(
    system_ids: Sequence[str], organisation_ids: Sequence[str]
) -> dict[SystemId, OrganisationId]:
    pairs = zip(system_ids, organisation_ids, strict=True)
    return {SystemId(system): OrganisationId(owner) for system, owner in pairs}
