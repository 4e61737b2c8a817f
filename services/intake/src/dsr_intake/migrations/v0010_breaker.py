"""The breaker: what has passed it, what waits before it, and who has released it."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

_TABLES = """
create table intake.breaker_scopes (
    scope text primary key,
    tripped_at timestamptz,
    erasures bigint,
    allowed bigint
);
comment on table intake.breaker_scopes is
    'The whole group (*), and each organisation: whether erasures are stopped, and at how many.';

create table intake.breaker_counts (
    scope text not null,
    minute timestamptz not null,
    erasures bigint not null,
    primary key (scope, minute)
) with (fillfactor = 80);
create index breaker_counts_minute on intake.breaker_counts (minute);
comment on table intake.breaker_counts is 'Erasures that have passed, by the minute.';

create table intake.breaker_cohorts (
    cohort_id uuid primary key,
    members bigint not null,
    passed text[] not null default '{}',
    waiting text[] not null default '{}',
    first_try_at timestamptz not null
) with (fillfactor = 80);
create index breaker_cohorts_waiting on intake.breaker_cohorts (first_try_at)
    where waiting <> '{}';
comment on table intake.breaker_cohorts is
    'For which scopes a cohort has passed, and for which it waits; a cohort is counted once in each.';

create table intake.breaker_releases (
    id uuid primary key,
    scope text not null,
    tripped_at timestamptz not null,
    extra bigint not null check (extra >= 0),
    reason text not null,
    proposed_by text not null,
    proposed_at timestamptz not null,
    approved_by text,
    approved_at timestamptz
);
create index breaker_releases_approved on intake.breaker_releases (scope, approved_at);
comment on column intake.breaker_releases.extra is
    'How many erasures may pass on top of the limit until a window after the approval is over; of
    the whole group (*) also for each organisation.'
"""

_DECIDE = """
create function intake.pass_breaker(
    the_cohort uuid, its_members bigint, scopes text[], limits bigint[],
    at timestamptz, time_window interval
) returns text[] language plpgsql as $$
declare
    done text[];
    refused text[] := '{}';
    taken text[];
    one record;
    stopped timestamptz;
    counted bigint;
    allowed_now bigint;
begin
    insert into intake.breaker_cohorts (cohort_id, members, first_try_at)
    values (the_cohort, its_members, at) on conflict do nothing;
    select passed into done from intake.breaker_cohorts where cohort_id = the_cohort for update;
    if scopes <@ done then
        return refused;
    end if;
    insert into intake.breaker_scopes (scope)
    select unnest(scopes) order by 1 on conflict do nothing;
    for one in
        select * from unnest(scopes, limits) as asked (scope, at_most)
        where scope <> all (done) order by scope <> '*', scope
    loop
        select tripped_at into stopped from intake.breaker_scopes
        where scope = one.scope for update;
        if stopped is null then
            select coalesce(sum(erasures), 0) into counted from intake.breaker_counts
            where scope = one.scope and minute > at - time_window;
            select one.at_most + coalesce(sum(extra), 0) into allowed_now
            from intake.breaker_releases
            where scope in (one.scope, '*') and approved_at > at - time_window;
            if counted + its_members > allowed_now then
                stopped := at;
                update intake.breaker_scopes
                set tripped_at = at, erasures = counted + its_members, allowed = allowed_now
                where scope = one.scope;
            end if;
        end if;
        if stopped is not null then
            refused := refused || one.scope;
        end if;
        exit when one.scope = '*' and stopped is not null;
    end loop;
    if '*' = any (refused) then
        refused := array(select unnest(scopes) except select unnest(done));
    end if;
    taken := array(
        select unnest(scopes) except select unnest(done) except select unnest(refused)
    );
    if taken = '{*}' then
        taken := '{}';
    end if;
    insert into intake.breaker_counts (scope, minute, erasures)
    select unnest(taken), date_trunc('minute', at), its_members order by 1
    on conflict (scope, minute)
    do update set erasures = intake.breaker_counts.erasures + excluded.erasures;
    update intake.breaker_cohorts
    set passed = done || taken,
        waiting = array(
            select unnest(waiting || refused) except select unnest(taken) except select '*'
        )
    where cohort_id = the_cohort;
    return refused;
end
$$
"""

_COMMENT = """
comment on function intake.pass_breaker is
    'Let a cohort''s erasures pass for some scopes, and count them once; returns those that are stopped.'
"""


def upgrade() -> None:
    """Make the tables, and the one statement that decides who passes."""
    for statement in (*_TABLES.split(";\n"), _DECIDE, _COMMENT):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is stopped would go on."""
    raise NotImplementedError("restore a backup instead")
