"""The suppression list is written by one function here: for intake, and for whoever mends after a restore."""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"

# First of all it waits for whoever opts one of these addresses in, and has those wait who come after it: of the two at one moment, each
# would overlook what the other has written and not committed. Those that list do not wait for each other. In the order of the locks.
# A request for a part of the data alone says nothing of the rest; one for some uses says so of those. Who has opted in since it was
# accepted wants it no more. In the order of the key, so that two transactions wait for each other in turn and never in a ring.
_LIST = """
create function intake.list_named(
    request_ids uuid[], wanted text[], kinds text[], at timestamptz
) returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(1, place) from (
        select distinct get_byte(d.digest, 0) % 16 as place
        from intake.subject_requests r cross join lateral unnest(r.suppression_digests) as d (digest)
        where r.id = any(list_named.request_ids) order by 1
    ) as asked;
    with forbidden as (
        select l.kind, d.digest, r.suppression_key_id as key_id, r.id
        from intake.subject_requests r
        join intake.cohorts c on c.id = coalesce(r.home_cohort_id, r.cohort_id)
        join unnest(list_named.wanted, list_named.kinds) as l (wanted, kind)
            on l.wanted = r."right"
        cross join lateral unnest(r.suppression_digests) as d (digest)
        where r.id = any(list_named.request_ids) and c.categories = '{}'
            and c.organisation_ids = '{}' and c.system_ids = '{}' and c.since is null
            and (c.uses = '{}' or l.kind = any(c.uses))
            and not exists (
                select from intake.opt_ins o where o.at > r.accepted_at
                    and l.kind = any(o.kinds) and o.digests @> array[d.digest]
            )
    ), sources as (
        insert into intake.suppression_sources (kind, digest, request_id)
        select kind, digest, id from forbidden on conflict do nothing
    )
    insert into intake.suppressions (kind, digest, key_id, since, request_id)
    select distinct on (kind, digest) kind, digest, key_id, list_named.at, id from forbidden
    order by kind, digest, id
    on conflict (kind, digest) do update
    set key_id = excluded.key_id, since = excluded.since, request_id = excluded.request_id,
        ended = false, told = false
    where intake.suppressions.ended;
end
$$
"""

_STATEMENTS = (
    _LIST,
    """
    comment on function intake.list_named is
        'Lists whom requests name, each for the kinds that its right is listed for. With the caller''s own rights.'
    """,
)


def upgrade() -> None:
    """Make the function; replicas of before go on with the same statement of their own."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop it: whoever calls it has to be the version before by then."""
    op.execute("drop function intake.list_named")
