"""PostgreSQL: reading requests, and their changes of state."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.proofs import Evidence, Method
from dsr_core.lifecycle import ASKED, PREMATURE, State
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_core.suppressions import SuppressionKind
from dsr_intake.model import (
    CohortStanding,
    FollowsWhy,
    ListFilter,
    Member,
    Owner,
    RequesterEvidence,
    RequestView,
    StateChangeRow,
    Twin,
    WrappedKey,
)
from dsr_intake.model.principals import Sight
from dsr_intake.model.sealing import ToSeal
from dsr_runtime.postgres import translated
from dsr_wire.codec.notices import SealedIdentity, SystemNotice

__all__ = ["OLDEST_RUNNING", "VIEW", "PostgresReads", "PostgresStateFeed", "seen", "view"]

# A proof is a command, which a replica of before decisions does not count.
VIEW = """
    select r.id, r.cohort_id, r.client_id, r.state, r.outcome, r."right", r.jurisdiction,
        c.regime, c.regime_why, c.registry_digest, c.rules_digest, r.requester_role, r.channel, r.language, c.categories,
        c.organisation_ids, c.system_ids, c.since, c.uses, c.held_before, r.follows, r.follows_why, r.after_request_ids, c.identifier_kinds, r.received_at, r.accepted_at, c.due_at,
        r.identity_method, r.identity_proven_at, r.closed_at, r.answered_at, r.letters, r.age_key, r.hand_over, r.revision, r.authority_kind,
        r.authority_reference, r.authority_given_on,
        coalesce(r.home_cohort_id, r.cohort_id) as home_cohort_id, r.fact_kinds,
        greatest(r.commands, (r.identity_method in ('operator', 'one_time_code'))::integer) as commands,
        r.fact_times, r.duplicate_of, r.related_to, exists (
            select from intake.subject_requests o
            where o.id in (r.duplicate_of, r.related_to) and o.client_id <> r.client_id
        ) as names_strangers, cardinality(r.lookup_hashes) as identifiers
    from intake.subject_requests r join intake.cohorts c on c.id = r.cohort_id
"""

_CHANGES_LIMIT = 2000

_OVER = (State.STOPPING, State.CLOSED, State.ANSWERED)
"""The states in which no system is asked any more."""


# Each cohort asks for these, so they are such that the server sees no gain in planning them anew for
# the values at hand: no list's length decides, and whoever names members asks another statement.
_TO_SEAL = """
    select c."right", c.members, r.id, r.state, r.identity_ciphertext, k.wrapped_key, k.kek_id,
        d.system_id, d.key_id, d.sealed_key, d.sealed[1] as sealed, held.is_whole, held.system_ids
    from intake.cohorts c
    left join intake.subject_requests r on (r.cohort_id = $1 or r.home_cohort_id = $1){which}
    left join intake_keys.request_keys k on k.request_id = r.id
    left join intake.deferred_notices d on d.follow_up_id = r.id
    left join lateral (
        select bool_or(cardinality(h.system_ids) = 0) as is_whole,
            array_agg(distinct s.id) filter (where s.id is not null) as system_ids
        from intake.held_requests h left join lateral unnest(h.system_ids) s (id) on true
        where h.request_id = r.id and h.lifted_at is null
    ) held on true
    where c.id = $1
    order by r.id
"""
_ALL_TO_SEAL = _TO_SEAL.format(which="")
_SOME_TO_SEAL = _TO_SEAL.format(which=" and r.id = any($2::uuid[])")

_ASKED_STATES = ", ".join(f"'{one.value}'" for one in ASKED)

_STANDING = f"""
    select id, "right", members, open_members, answered_at,
        (select count(*) from intake.subject_requests r
         where r.home_cohort_id = c.id and r.state in ({_ASKED_STATES})) as open_leavers
    from intake.cohorts c where id = $1
"""


class PostgresReads:
    """Reads requests; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def get(self, sight: Sight, request_id: str) -> RequestView | None:
        """Return a request that is seen, or none."""
        values: list[object] = [request_id]
        conditions = ["r.id = $1", *seen(sight, values)]
        with translated():
            row = await self._pool.fetchrow(f"{VIEW} where {' and '.join(conditions)}", *values)
        return view(row) if row else None

    async def any(self, request_id: str) -> RequestView | None:
        """Return a request, whoever's it is."""
        with translated():
            row = await self._pool.fetchrow(f"{VIEW} where r.id = $1", request_id)
        return view(row) if row else None

    async def followers(self, request_id: str) -> list[RequestView]:
        """Return the requests that follow one."""
        with translated():
            rows = await self._pool.fetch(f"{VIEW} where r.follows = $1 order by r.id", request_id)
        return [view(row) for row in rows]

    async def page(
        self, sight: Sight, wanted: ListFilter, *, after: str | None, limit: int
    ) -> list[RequestView]:
        """Return the next requests, newest first."""
        values: list[object] = []
        conditions = ["true", *seen(sight, values)]

        def where(condition: str, value: object | None) -> None:
            if value is not None:
                values.append(value)
                conditions.append(condition.replace("?", f"${len(values)}"))

        where("r.id < ?", after)
        where("r.state = ?", wanted.state.value if wanted.state else None)
        where('r."right" = ?', wanted.right.value if wanted.right else None)
        where("r.jurisdiction = ?", wanted.jurisdiction)
        where("r.received_at > ?", wanted.received_after)
        where("r.received_at < ?", wanted.received_before)
        values.append(limit)
        query = f"{VIEW} where {' and '.join(conditions)} order by r.id desc limit ${len(values)}"
        with translated():
            return [view(row) for row in await self._pool.fetch(query, *values)]

    async def cohort(self, cohort_id: str) -> CohortStanding | None:
        """Return how far a cohort is, or none."""
        with translated():
            row = await self._pool.fetchrow(_STANDING, cohort_id)
        if row is None:
            return None
        return CohortStanding(
            CohortId(str(row["id"])),
            Right(row["right"]),
            row["members"],
            row["open_members"],
            row["answered_at"],
            row["open_leavers"],
        )

    async def lookup_hashes(self, request_id: str) -> frozenset[bytes]:
        """Return the keyed hashes of a request's identifiers."""
        with translated():
            found = await self._pool.fetchval(
                "select lookup_hashes from intake.subject_requests where id = $1", request_id
            )
        return frozenset(found or ())

    async def to_seal(self, cohort_id: str, request_ids: Sequence[str]) -> ToSeal | None:
        """Return a cohort with the members that systems may be asked for, of those asked or of all."""
        with translated():
            rows = (
                await self._pool.fetch(_SOME_TO_SEAL, cohort_id, request_ids)
                if request_ids
                else await self._pool.fetch(_ALL_TO_SEAL, cohort_id)
            )
        if not rows:
            return None
        right, size = Right(rows[0]["right"]), rows[0]["members"]
        rows = [row for row in rows if row["id"] is not None]
        if len(request_ids) > len(rows):
            detail = "a request that was asked for is no member of this cohort"
            raise RejectedInput("unknown_member", detail, field="request_ids")
        unproven = [row["id"] for row in rows if row["state"] in PREMATURE]
        if unproven:
            detail = f"it is not proven who asks for {unproven[0]}"
            raise RuleViolation("identity_not_proven", detail)
        members = [
            Member(
                RequestId(str(row["id"])),
                row["identity_ciphertext"] or b"",
                WrappedKey(row["wrapped_key"], row["kek_id"]) if row["wrapped_key"] else None,
                frozenset(row["system_ids"] or ()),
                _deferred(row) if row["system_id"] else None,
            )
            for row in rows
            if row["state"] not in _OVER and not row["is_whole"]
        ]
        return ToSeal(right, size, members)


class PostgresStateFeed:
    """Changes of state, ordered by the transactions that made them.

    A revision is a transaction's id. Only those below the oldest that still runs are read, so that
    none appears behind what has been read.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def horizon(self) -> int:
        """Return the revision that everything visible now is at or below."""
        with translated():
            return int(await self._pool.fetchval(f"select {OLDEST_RUNNING} - 1"))

    async def changed_since(
        self, revision: int, *, request_id: str | None = None, sight: Sight | None = None
    ) -> tuple[list[StateChangeRow], int]:
        """Return changes after a revision, of those seen, and the revision to go on from."""
        values: list[object] = [revision]
        conditions = ["r.revision > $1", f"r.revision < {OLDEST_RUNNING}"]
        if request_id is not None:
            values.append(request_id)
            conditions.append("r.id = $2")
        elif sight is not None:
            conditions += seen(sight, values)
        with translated():
            rows = await self._pool.fetch(
                f"""
                select revision, id, client_id, jurisdiction, state, outcome,
                    coalesce(answered_at, closed_at, decided_at, accepted_at) as at
                from intake.subject_requests r where {" and ".join(conditions)}
                order by revision fetch first {_CHANGES_LIMIT} rows with ties
                """,
                *values,
            )
        changes = [
            StateChangeRow(
                row["revision"],
                RequestId(str(row["id"])),
                Owner(row["client_id"], row["jurisdiction"]),
                State(row["state"]),
                row["outcome"],
                row["at"],
            )
            for row in rows
        ]
        return changes, changes[-1].revision if changes else revision

    async def twins(self, request_ids: Sequence[str]) -> list[Twin]:
        """Return the requests that are answered with one of these."""
        with translated():
            rows = await self._pool.fetch(
                """
                select id, client_id, duplicate_of from intake.subject_requests
                where duplicate_of is not null and duplicate_of = any($1::uuid[]) order by id
                """,
                request_ids,
            )
        return [
            Twin(RequestId(str(row["id"])), row["client_id"], RequestId(str(row["duplicate_of"])))
            for row in rows
        ]

    async def owners(self, request_ids: Sequence[str]) -> dict[str, Owner]:
        """Return the client and the jurisdiction of each request that exists."""
        with translated():
            rows = await self._pool.fetch(
                "select id, client_id, jurisdiction from intake.subject_requests"
                " where id = any($1::uuid[])",
                request_ids,
            )
        return {str(row["id"]): Owner(row["client_id"], row["jurisdiction"]) for row in rows}


def seen(sight: Sight, values: list[object]) -> list[str]:
    """Return what says that a request `r` is seen, and append what that compares with."""
    if sight.client_id is not None:
        values.append(sight.client_id)
        return [f"r.client_id = ${len(values)}"]
    if sight.jurisdictions is not None:
        values.append(sight.jurisdictions)
        # A country covers its parts: US covers US-CA.
        named = f"any(${len(values)}::text[])"
        return [f"(r.jurisdiction = {named} or split_part(r.jurisdiction, '-', 1) = {named})"]
    return []


OLDEST_RUNNING = "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
"""The oldest transaction that runs, as SQL: every change with a revision below it is final."""


def _deferred(row: asyncpg.Record) -> SystemNotice:
    sealed = SealedIdentity(RequestId(str(row["id"])), row["sealed"])
    return SystemNotice(SystemId(row["system_id"]), (sealed,), row["key_id"], row["sealed_key"])


def view(row: asyncpg.Record) -> RequestView:
    """Return the request that a row of `VIEW` is."""
    return RequestView(
        request_id=RequestId(str(row["id"])),
        cohort_id=CohortId(str(row["cohort_id"])),
        client_id=row["client_id"],
        state=State(row["state"]),
        outcome=row["outcome"],
        right=Right(row["right"]),
        jurisdiction=row["jurisdiction"],
        regime=row["regime"],
        regime_why=row["regime_why"],
        registry_digest=row["registry_digest"],
        rules_digest=row["rules_digest"],
        requester_role=row["requester_role"],
        channel=row["channel"],
        language=row["language"],
        scope=Scope(
            tuple(row["categories"]),
            tuple(OrganisationId(one) for one in row["organisation_ids"]),
            tuple(SystemId(one) for one in row["system_ids"]),
            row["since"],
            tuple(SuppressionKind(one) for one in row["uses"]),
        ),
        identifier_kinds=tuple(row["identifier_kinds"]),
        identifiers=row["identifiers"],
        received_at=row["received_at"],
        accepted_at=row["accepted_at"],
        due_at=row["due_at"],
        identity_proven_at=row["identity_proven_at"],
        proven_by=_proven_by(row["identity_method"]),
        closed_at=row["closed_at"],
        answered_at=row["answered_at"],
        letters=row["letters"],
        age_key=row["age_key"],
        hand_over=row["hand_over"],
        evidence=_evidence(row),
        revision=row["revision"],
        home_cohort_id=CohortId(str(row["home_cohort_id"])),
        duplicate_of=_named(row["duplicate_of"]),
        related_to=_named(row["related_to"]),
        names_strangers=row["names_strangers"],
        commands=row["commands"],
        facts=tuple(
            Fact(FactKind(kind), at)
            for kind, at in zip(row["fact_kinds"], row["fact_times"], strict=True)
        ),
        follows=RequestId(str(row["follows"])) if row["follows"] else None,
        follows_why=FollowsWhy(row["follows_why"]) if row["follows_why"] else None,
        held_before=row["held_before"],
        after=tuple(RequestId(str(one)) for one in row["after_request_ids"] or ()),
    )


def _named(value: object | None) -> RequestId | None:
    return RequestId(str(value)) if value is not None else None


def _evidence(row: asyncpg.Record) -> RequesterEvidence | None:
    if row["authority_kind"] is None:
        return None
    return RequesterEvidence(
        Evidence(row["authority_kind"]), row["authority_reference"], row["authority_given_on"]
    )


def _proven_by(method: str | None) -> Method | None:
    """Return how somebody proved who asks; none too where a request follows another and nobody asked."""
    return Method(method) if method in list(Method) else None
