"""Mending: one transaction in PostgreSQL, with its entry in the audit log, then what consumers read again.

Workflows go on once the entry is durable that names them, so that none goes on unseen; what Temporal
refuses then is left, and said. A crash in between leaves what a second run finds and mends; what was mended is not found again.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from dsr_cli.reconcile.differences import Difference, Kind
from dsr_cli.reconcile.finding import Findings
from dsr_cli.reconcile.orchestration import Orchestration
from dsr_cli.reconcile.store import Connection, Databases
from dsr_cli.reconcile.told import Told
from dsr_core.closing import FOLLOWED
from dsr_core.ids import RequestId, uuid7
from dsr_core.lifecycle import State
from dsr_core.rights import RIGHTS, Right
from dsr_runtime.outbox import enqueue
from dsr_wire.codec.audit import AuditEntry, audit_entries_to_wire, digest_of_entry
from dsr_wire.codec.requests import AcceptedCohort
from dsr_wire.envelope import encode
from dsr_wire.topics import AUDIT

__all__ = ["UNKNOWN_CLIENT", "go_on", "mend"]

UNKNOWN_CLIENT = "unknown"
"""Whose a request is that was entered anew: its record does not say."""

_EVENTS = uuid.UUID("0b1f3f62-6a5e-5d51-9a34-0e4f0c8de1c7")

_ADD_COHORT = """
insert into intake.cohorts (id, "right", regime, jurisdiction, categories, organisation_ids,
    identifier_kinds, registry_digest, members, open_members, received_at, accepted_at, due_at,
    rules_digest, regime_why, system_ids, since, uses)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13, 'entered anew after a restore',
    $14, $15, $16)
on conflict (id) do nothing
"""

_ADD_REQUEST = """
insert into intake.subject_requests (id, cohort_id, client_id, state, "right", jurisdiction,
    requester_role, channel, received_at, accepted_at, lookup_hashes, after_request_ids)
values ($1, $2, $3, $4, $5, $6, 'data_subject', 'unknown', $7, $8, '{}', $9)
on conflict (id) do nothing
"""

_ANSWER = """
with over as (
    update intake.subject_requests r
    set state = 'answered', outcome = n.outcome, closed_at = n.closed_at, answered_at = n.answered_at,
        identity_ciphertext = null, suppression_digests = '{}',
        revision = pg_current_xact_id()::text::bigint
    from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])
        as n (id, outcome, closed_at, answered_at)
    where r.id = n.id and r.state <> 'answered'
    returning r.cohort_id
), counted as (
    select cohort_id, count(*)::integer as answered from over group by 1
), letters as (
    delete from intake.letters l where l.request_id = any($1::uuid[]) and l.state = 'waiting'
), opened_from as (
    delete from intake.deferred_notices where follow_up_id = any($1::uuid[])
), gone as (
    delete from intake_keys.request_keys where request_id = any($1::uuid[])
)
update intake.cohorts c
set open_members = c.open_members - n.answered,
    answered_at = case when c.open_members = n.answered then now() else c.answered_at end
from counted n where c.id = n.cohort_id
"""

_LIST = "select intake.list_named($1, $2, $3, $4)"

_OPEN = """
update intake.subject_requests
set state = 'open', authority_awaited = false, revision = pg_current_xact_id()::text::bigint
where id = any($1::uuid[])
"""

_KEEP_CLOSURES = """
insert into verifier.closures_told (request_id, closed_at, evidence_digest)
select * from unnest($1::uuid[], $2::timestamptz[], $3::bytea[]) on conflict do nothing
"""


async def mend(
    databases: Databases,
    found: Findings,
    told: Told,
    orchestration: Orchestration | None,
    *,
    reason: str,
) -> None:
    """Mend in PostgreSQL and in Temporal what can be mended; the same again changes nothing."""
    intake = databases.intake
    async with databases.transaction():
        await _enter(intake, found.forgotten, told)
        await _answer(intake, sorted(found.answered), told)
        await intake.execute(_OPEN, list(found.opened))
        await _keep_closures(databases.verifier, sorted(found.closures), told)
        for schema in sorted({schema for schema, _ in found.outbox}):
            await databases.of(schema).execute(
                f"delete from {schema}.outbox where id = any($1::bigint[])",
                [number for of, number in found.outbox if of == schema],
            )
        await _enter_in_audit(intake, found.differences, reason)
    if orchestration is not None:
        await go_on(orchestration, found, reason)


async def go_on(orchestration: Orchestration, found: Findings, reason: str) -> None:
    """Have workflows that ended too early go on; what is refused is kept as such among what differs."""
    for cohort_id, ended in sorted(found.ended.items()):
        obstacle = await orchestration.reset(cohort_id, ended, reason=reason)
        if obstacle:
            found.keep(Kind.WORKFLOW_ENDED, cohort_id, obstacle)


async def _enter(connection: Connection, request_ids: Collection[RequestId], told: Told) -> None:
    cohorts = {told.cohorts[one].cohort_id: told.cohorts[one] for one in request_ids}
    for cohort in cohorts.values():
        await connection.execute(_ADD_COHORT, *_cohort(cohort, len(cohort.request_ids)))
    await connection.executemany(
        _ADD_REQUEST, [_request(one, told.cohorts[one], told) for one in sorted(request_ids)]
    )


def _cohort(cohort: AcceptedCohort, members: int) -> tuple[object, ...]:
    return (
        cohort.cohort_id,
        cohort.right.value,
        cohort.regime,
        cohort.jurisdiction,
        sorted(cohort.scope.categories),
        sorted(cohort.scope.organisation_ids),
        list(cohort.identifier_kinds),
        cohort.registry_digest,
        members,
        cohort.received_at,
        cohort.accepted_at,
        cohort.due_at,
        cohort.rules_digest,
        sorted(cohort.scope.system_ids),
        cohort.scope.since,
        [one.value for one in cohort.scope.uses],
    )


def _request(request_id: RequestId, cohort: AcceptedCohort, told: Told) -> tuple[object, ...]:
    """Return a row; what closes it is read again, so it is not entered as closed."""
    states = [one.state for one in told.states.get(request_id, ())]
    waits = cohort.verify_identity_by is not None and not states
    state = State.AWAITING_IDENTITY if waits else State.OPEN
    return (
        request_id,
        cohort.cohort_id,
        UNKNOWN_CLIENT,
        state.value,
        cohort.right.value,
        cohort.jurisdiction,
        cohort.received_at,
        cohort.accepted_at,
        list(cohort.after),
    )


async def _answer(connection: Connection, request_ids: Sequence[RequestId], told: Told) -> None:
    last = {one: told.states[one][-1] for one in request_ids}
    followed = [one for one in request_ids if last[one].outcome in FOLLOWED]
    pairs = [(right.value, kind.value) for right in Right for kind in RIGHTS[right].suppresses]
    rights, kinds = zip(*pairs, strict=True)
    await connection.execute(_LIST, followed, rights, kinds, datetime.now(UTC))
    await connection.execute(
        _ANSWER,
        request_ids,
        [last[one].outcome for one in request_ids],
        [_closed_at(one, told) for one in request_ids],
        [last[one].at for one in request_ids],
    )


def _closed_at(request_id: RequestId, told: Told) -> datetime:
    steps = told.states[request_id]
    return next((one.at for one in steps if one.state == State.CLOSED.value), steps[-1].at)


async def _keep_closures(
    connection: Connection, request_ids: Sequence[RequestId], told: Told
) -> None:
    closures = [told.closures[one][0] for one in request_ids]
    await connection.execute(
        _KEEP_CLOSURES,
        request_ids,
        [one.closed_at for one in closures],
        [one.evidence_digest for one in closures],
    )


async def _enter_in_audit(connection: Connection, found: Sequence[Difference], reason: str) -> None:
    """Enter what is mended as the database's own: whoever may write there has done it."""
    mended = Counter(one.kind.value for one in found if one.is_mended)
    if not mended:
        return
    now = datetime.now(UTC)
    entry_id = uuid7(int(now.timestamp() * 1000), os.urandom(10))
    targets = [f"{kind}={count}" for kind, count in sorted(mended.items())]
    digest = digest_of_entry(
        entry_id=entry_id,
        at=now,
        principal="database",
        kind="privacy_officer",
        authentication="database",
        action="reconcile.apply",
        targets=targets,
        reason=reason,
        outcome="done",
    )
    await connection.execute(
        """
        insert into intake.audit
            (id, at, principal, kind, authentication, action, targets, reason, outcome, digest)
        values ($1, $2, 'database', 'privacy_officer', 'database', 'reconcile.apply', $3, $4, 'done', $5)
        """,
        entry_id,
        now,
        targets,
        reason,
        digest,
    )
    told = AuditEntry(entry_id=entry_id, digest=digest, recorded_at=now)
    record = encode(
        audit_entries_to_wire([told]),
        topic=AUDIT.name,
        key=entry_id,
        event_id=str(uuid.uuid5(_EVENTS, entry_id)),
        source="intake",
        at=now,
    )
    await enqueue(connection, "intake", [record])
