"""PostgreSQL: accepting requests, a whole set of them in a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import asyncpg

from dsr_core.errors import RuleViolation
from dsr_core.ids import CohortId, RequestId
from dsr_core.lifecycle import Event, State
from dsr_core.rights import RIGHTS, Right
from dsr_intake.adapters.awaited import coming_after
from dsr_intake.adapters.beginning import begin
from dsr_intake.adapters.duplicates import one_by_one, open_twins
from dsr_intake.adapters.suppressions import list_at_once
from dsr_intake.model import (
    Acceptance,
    Accepted,
    Draft,
    FormedCohort,
    KeyReused,
    KeyTag,
    StillRunning,
    Submission,
    Verdict,
)
from dsr_intake.model.awaiting import erases, hands_over
from dsr_intake.ports import Form
from dsr_runtime.outbox import columns
from dsr_runtime.postgres import translated

__all__ = ["PostgresAcceptance"]

_TRY_LOCK = """
    select n from unnest($1::bigint[]) with ordinality as asked (lock, n)
    where pg_try_advisory_xact_lock(lock)
"""

_CLAIM = """
    insert into intake.idempotency_keys (key, content, request_id, created_at)
    select * from unnest($1::bytea[], $2::bytea[], $3::uuid[], $4::timestamptz[])
        as asked (key, content, request_id, created_at)
    order by key
    on conflict do nothing
    returning key
"""

_GIVE_BACK = "delete from intake.idempotency_keys where key = any($1::bytea[])"
"""What was claimed under one lookup key of a request that was accepted before, under another."""

_HELD = """
    select k.key, k.content, r.id, coalesce(r.home_cohort_id, r.cohort_id) as cohort_id,
        r."right", r.jurisdiction, c.regime, c.registry_digest, c.rules_digest, r.received_at,
        r.accepted_at, coalesce(c.first_due_at, c.due_at) as due_at, r.letters,
        r.identity_method is distinct from 'attested' as had_to_prove,
        r.authority_awaited, r.follows_why is not distinct from 'appeal' as is_appeal,
        (select d.kind from intake.decisions d where d.request_id = r.id and d.revision = 1
            and d.recorded_at = r.accepted_at) as began_by
    from intake.idempotency_keys k
    join intake.subject_requests r on r.id = k.request_id
    join intake.cohorts c on c.id = r.cohort_id
    where k.key = any($1::bytea[])
"""

_WRITE = """
    with new_cohorts as (
        insert into intake.cohorts (id, "right", regime, jurisdiction, categories,
            organisation_ids, identifier_kinds, registry_digest, members, open_members,
            received_at, accepted_at, due_at, rules_digest, regime_why, since, uses)
        select id, wanted, regime, jurisdiction, categories::text[], organisation_ids::text[],
            identifier_kinds::text[], registry_digest, members, members, received_at, accepted_at,
            due_at, rules_digest, regime_why, since, uses::text[]
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::text[], $9::integer[], $10::timestamptz[], $11::timestamptz[],
            $12::timestamptz[], $13::text[], $14::text[], $51::date[], $52::text[])
            as c (id, wanted, regime, jurisdiction, categories, organisation_ids,
                identifier_kinds, registry_digest, members, received_at, accepted_at, due_at,
                rules_digest, regime_why, since, uses)
    ), new_requests as (
        insert into intake.subject_requests (id, cohort_id, client_id, state, "right",
            jurisdiction, requester_role, channel, language, received_at, accepted_at,
            lookup_hashes, identity_ciphertext, identity_method, identity_proven_at, letters,
            person_hash, duplicate_of, related_to, authority_awaited, authority_kind,
            authority_reference, authority_given_on, lookup_key_id, former_hashes,
            suppression_digests, suppression_key_id, age_key, after_request_ids, hand_over)
        select id, cohort_id, client_id, state, wanted, jurisdiction, requester_role, channel,
            language, received_at, accepted_at, lookup_hashes::bytea[], identity_ciphertext,
            identity_method, identity_proven_at, letters, person_hash, duplicate_of, related_to,
            authority_awaited, authority_kind, authority_reference, authority_given_on,
            lookup_key_id, former_hashes::bytea[], suppression_digests::bytea[], suppression_key_id,
            age_key, after_request_ids::uuid[], hand_over
        from unnest($15::uuid[], $16::uuid[], $17::text[], $18::text[], $19::text[], $20::text[],
            $21::text[], $22::text[], $23::timestamptz[], $24::timestamptz[], $25::text[],
            $26::bytea[], $34::text[], $35::text[], $36::timestamptz[], $37::boolean[],
            $38::bytea[], $39::uuid[], $40::uuid[], $41::boolean[], $42::text[], $43::text[],
            $44::date[], $45::text[], $46::text[], $47::text[], $48::text[], $49::text[],
            $50::text[], $54::boolean[])
            as r (id, cohort_id, client_id, wanted, jurisdiction, requester_role, channel,
                language, received_at, accepted_at, lookup_hashes, identity_ciphertext, state,
                identity_method, identity_proven_at, letters, person_hash, duplicate_of, related_to,
                authority_awaited, authority_kind, authority_reference, authority_given_on,
                lookup_key_id, former_hashes, suppression_digests, suppression_key_id, age_key,
                after_request_ids, hand_over)
    ), new_proofs as (
        insert into intake.decisions (request_id, revision, kind, decided_by, reason, effective_at,
            recorded_at, details)
        select id, 0, 'prove_identity', 'client ' || client_id, 'the client has made sure who asks',
            proven_at, accepted_at, jsonb_build_object('method', 'attested', 'level', level)
        from unnest($15::uuid[], $17::text[], $24::timestamptz[], $36::timestamptz[], $53::text[])
            as p (id, client_id, accepted_at, proven_at, level)
        where proven_at is not null
    ), new_letters as (
        insert into intake.letters (request_id, kind, state, next_try_at, waiting_since)
        select id, 'received', 'waiting', accepted_at, accepted_at
        from unnest($15::uuid[], $24::timestamptz[], $37::boolean[])
            as l (id, accepted_at, letters)
        where letters
    ), new_keys as (
        insert into intake_keys.request_keys (request_id, wrapped_key, kek_id)
        select * from unnest($15::uuid[], $27::bytea[], $28::text[])
    )
    insert into intake.outbox (slot, topic, key, value, headers)
    select * from unnest($29::smallint[], $30::text[], $31::bytea[], $32::bytea[], $33::text[])
"""


_APPEAL = """
    with held as (
        insert into intake.held_requests (request_id, hold_id, system_ids)
        select distinct r.id, h.id, '{}'::text[]
        from intake.subject_requests r
        join intake.hold_hashes x on x.hash = any(r.lookup_hashes || r.former_hashes)
        join intake.holds h on h.id = x.hold_id
        where r.id = $1 and h.lifted_at is null
    )
    update intake.subject_requests
    set follows = $2, follows_why = 'appeal', fact_kinds = '{appealed}',
        fact_times = array[$3::timestamptz]
    where id = $1
"""


class PostgresAcceptance:
    """Writes accepted requests; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def accept(self, drafts: Sequence[Draft], form: Form, *, wait: bool) -> list[Verdict]:
        """Write the drafts that are new."""
        with _appealed_once(), translated():
            async with self._pool.acquire() as connection:
                if all(map(_is_plain, drafts)):
                    acceptance = form(drafts, ())
                    await connection.execute(_WRITE, *_arguments(acceptance))
                    return _verdicts(drafts, acceptance, {}, frozenset())
                async with connection.transaction():
                    running = (
                        frozenset[bytes]() if wait else await self._running(connection, drafts)
                    )
                    asked = [one for one in drafts if one.tag is None or one.tag.key not in running]
                    fresh, held = await self._claim(connection, asked)
                    if not wait:
                        await one_by_one(connection, fresh)
                    fresh = await coming_after(connection, fresh)
                    twins = await open_twins(connection, fresh)
                    acceptance = form(fresh, twins) if fresh else Acceptance((), {})
                    if fresh:
                        await connection.execute(_WRITE, *_arguments(acceptance))
                        await self._link(connection, fresh)
                        await begin(connection, acceptance)
                        await list_at_once(connection, fresh)
                return _verdicts(drafts, acceptance, held, running)

    async def _running(
        self,
        connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
        drafts: Sequence[Draft],
    ) -> frozenset[bytes]:
        # An uncommitted key cannot be seen, so who works on a key holds a lock named after it.
        keys = [(one.tag.key, key) for one in drafts if one.tag is not None for key in one.tag.keys]
        if not keys:
            return frozenset()
        locks = [int.from_bytes(key[:8], "big", signed=True) for _, key in keys]
        taken = {row["n"] for row in await connection.fetch(_TRY_LOCK, locks)}
        return frozenset(tag for n, (tag, _) in enumerate(keys, start=1) if n not in taken)

    async def _claim(
        self,
        connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
        drafts: Sequence[Draft],
    ) -> tuple[list[Draft], dict[bytes, asyncpg.Record]]:
        """Take the keys that are free; return whose drafts are new, and what the others stand for.

        In the order of the keys, so that two batches with the same lines wait for each other in
        turn and never in a ring. Reading is a statement of its own: it sees what the one that we
        waited for has committed.
        """
        tagged = [(one.tag, one) for one in drafts if one.tag is not None]
        if not tagged:
            return list(drafts), {}
        # Under former lookup keys too: a replica that has not heard of the current one looks there.
        rows = [
            (key, content, one)
            for tag, one in tagged
            for key, content in ((tag.key, tag.content), *tag.former)
        ]
        claimed = await connection.fetch(
            _CLAIM,
            [key for key, _, _ in rows],
            [content for _, content, _ in rows],
            [one.request_id for _, _, one in rows],
            [one.accepted_at for _, _, one in rows],
        )
        free = {bytes(row["key"]) for row in claimed}
        fresh = [one for one in drafts if one.tag is None or free.issuperset(one.tag.keys)]
        taken = [tag for tag, _ in tagged if not free.issuperset(tag.keys)]
        if not taken:
            return fresh, {}
        half = [key for tag in taken for key in tag.keys if key in free]
        if half:
            await connection.execute(_GIVE_BACK, half)
        keys = [key for tag in taken for key in tag.keys]
        found = {bytes(row["key"]): row for row in await connection.fetch(_HELD, keys)}
        return fresh, {
            tag.key: row for tag in taken for key in reversed(tag.keys) if (row := found.get(key))
        }

    @staticmethod
    async def _link(
        connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], drafts: Sequence[Draft]
    ) -> None:
        """Say of appeals which requests they follow, and that appealing is a fact of their dates."""
        appeals = [
            (one.request_id, one.submission.appeal_of, one.received_at)
            for one in drafts
            if one.submission.appeal_of is not None
        ]
        if appeals:
            await connection.executemany(_APPEAL, appeals)

    async def knows(self, tag: KeyTag) -> bool:
        """Tell whether an idempotency key stands for a request already."""
        with translated():
            found = await self._pool.fetchval(
                "select exists (select from intake.idempotency_keys where key = any($1::bytea[]))",
                list(tag.keys),
            )
        return bool(found)

    async def forget_keys(self, *, before: datetime) -> int:
        """Delete idempotency keys from before a time; return how many."""
        with translated():
            status = await self._pool.execute(
                "delete from intake.idempotency_keys where created_at < $1", before, timeout=300
            )
        return int(status.rpartition(" ")[2])


@contextmanager
def _appealed_once() -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "subject_requests_appeal":
            raise
        detail = "there is an appeal against that request; it shows how that stands"
        raise RuleViolation("already_appealed", detail) from error


def _verdicts(
    drafts: Sequence[Draft],
    acceptance: Acceptance,
    held: dict[bytes, asyncpg.Record],
    running: frozenset[bytes],
) -> list[Verdict]:
    written = {
        member.request_id: _accepted(member, formed)
        for formed in acceptance.cohorts
        for member in formed.members
    }

    def verdict(draft: Draft) -> Verdict:
        new = written.get(draft.request_id)
        if new is not None:
            return new
        if draft.tag is None:
            raise RuntimeError("a draft without a key is always new")
        row = held.get(draft.tag.key)
        if draft.tag.key in running or row is None:
            # No row: the key was claimed and forgotten between two statements.
            return StillRunning()
        return _replayed(row) if row["content"] in draft.tag.contents else KeyReused()

    return [verdict(draft) for draft in drafts]


def _accepted(member: Draft, formed: FormedCohort) -> Accepted:
    cohort = formed.cohort
    return Accepted(
        state=member.beginning.state if member.beginning else _state(member.submission),
        request_id=member.request_id,
        cohort_id=cohort.cohort_id,
        right=cohort.right,
        jurisdiction=cohort.jurisdiction,
        regime=cohort.regime,
        registry_digest=cohort.registry_digest,
        rules_digest=cohort.rules_digest,
        received_at=member.received_at,
        accepted_at=member.accepted_at,
        due_at=cohort.due_at,
    )


def _replayed(row: asyncpg.Record) -> Accepted:
    # Told as it was accepted, whatever has happened since: the same key has the same answer.
    return Accepted(
        state=_begun(row),
        request_id=RequestId(str(row["id"])),
        cohort_id=CohortId(str(row["cohort_id"])),
        right=Right(row["right"]),
        jurisdiction=row["jurisdiction"],
        regime=row["regime"],
        registry_digest=row["registry_digest"],
        rules_digest=row["rules_digest"],
        received_at=row["received_at"],
        accepted_at=row["accepted_at"],
        due_at=row["due_at"],
    )


def _is_plain(draft: Draft) -> bool:
    """Tell whether a draft is written by one statement: nothing is looked for before, nobody waits."""
    is_appeal = draft.submission.appeal_of is not None
    at_once = RIGHTS[draft.submission.right].suppresses_at_once
    looks_for = draft.tag is not None or draft.person_hash is not None
    awaits = erases(draft) or hands_over(draft)
    return not (looks_for or awaits or is_appeal or at_once) and draft.beginning is None


def _begun(row: asyncpg.Record) -> State:
    if row["is_appeal"]:
        return State.AWAITING_DECISION
    match row["began_by"]:
        case Event.REFER:
            return State.CLOSED if row["letters"] else State.ANSWERED
        case Event.PLACE_HOLD:
            return State.ON_HOLD
        case _ if row["authority_awaited"]:
            return State.AWAITING_AUTHORITY
        case _:
            return State.AWAITING_IDENTITY if row["had_to_prove"] else State.OPEN


def _arguments(acceptance: Acceptance) -> tuple[Sequence[object], ...]:
    cohorts = [formed.cohort for formed in acceptance.cohorts]
    members = [
        (member, member.submission, formed.cohort.cohort_id)
        for formed in acceptance.cohorts
        for member in formed.members
    ]
    keys = [acceptance.keys[member.request_id] for member, _, _ in members]
    return (
        [one.cohort_id for one in cohorts],
        [one.right.value for one in cohorts],
        [one.regime for one in cohorts],
        [one.jurisdiction for one in cohorts],
        [_words(one.scope.categories) for one in cohorts],
        [_words(one.scope.organisation_ids) for one in cohorts],
        [_words(one.identifier_kinds) for one in cohorts],
        [one.registry_digest for one in cohorts],
        [len(one.request_ids) for one in cohorts],
        [one.received_at for one in cohorts],
        [one.accepted_at for one in cohorts],
        [one.due_at for one in cohorts],
        [one.rules_digest for one in cohorts],
        [formed.members[0].dates.regime_why for formed in acceptance.cohorts],
        [member.request_id for member, _, _ in members],
        [cohort_id for _, _, cohort_id in members],
        [member.client_id for member, _, _ in members],
        [sent.right.value for _, sent, _ in members],
        [sent.jurisdiction for _, sent, _ in members],
        [sent.requester_role for _, sent, _ in members],
        [sent.channel for _, sent, _ in members],
        [sent.language for _, sent, _ in members],
        [member.received_at for member, _, _ in members],
        [member.accepted_at for member, _, _ in members],
        [_hashes(member.lookup_hashes) for member, _, _ in members],
        [member.ciphertext for member, _, _ in members],
        [key.wrapped for key in keys],
        [key.kek_id for key in keys],
        *columns([one for formed in acceptance.cohorts for one in formed.records]),
        [_written(member).value for member, _, _ in members],
        [
            "attested" if sent.is_attested or sent.attested_once_shown else None
            for _, sent, _ in members
        ],
        [member.received_at if sent.is_attested else None for member, sent, _ in members],
        [member.letters for member, _, _ in members],
        [member.person_hash for member, _, _ in members],
        [member.duplicate_of for member, _, _ in members],
        [member.related_to for member, _, _ in members],
        [sent.awaits_authority for _, sent, _ in members],
        [sent.evidence.kind.value if sent.evidence else None for _, sent, _ in members],
        [sent.evidence.reference if sent.evidence else None for _, sent, _ in members],
        [sent.evidence.given_on if sent.evidence else None for _, sent, _ in members],
        [member.lookup_key_id for member, _, _ in members],
        [_hashes(member.former_hashes) for member, _, _ in members],
        [_hashes(member.suppressible.digests) for member, _, _ in members],
        [member.suppressible.key_id for member, _, _ in members],
        [sent.age_key for _, sent, _ in members],
        [_words(member.after) if member.after else None for member, _, _ in members],
        [one.scope.since for one in cohorts],
        [_words(one.scope.uses) for one in cohorts],
        [sent.level.value for _, sent, _ in members],
        [sent.hand_over for _, sent, _ in members],
    )


def _written(member: Draft) -> State:
    """Return the state that a request is written in; `begin` then ends what nobody is asked for."""
    if member.beginning is None:
        return _state(member.submission)
    is_over = member.beginning.answer is not None
    return State.AWAITING_IDENTITY if is_over else member.beginning.state


def _state(sent: Submission) -> State:
    if sent.appeal_of is not None:
        return State.AWAITING_DECISION
    if sent.awaits_authority:
        return State.AWAITING_AUTHORITY
    return State.OPEN if sent.is_attested else State.AWAITING_IDENTITY


def _words(values: Iterable[str]) -> str:
    """Return an array of checked words in PostgreSQL's text form: unnest flattens arrays of arrays."""
    return "{" + ",".join(values) + "}"


def _hashes(values: Iterable[bytes]) -> str:
    return "{" + ",".join(f'"\\\\x{value.hex()}"' for value in values) + "}"
