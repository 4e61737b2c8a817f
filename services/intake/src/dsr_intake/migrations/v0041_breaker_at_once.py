"""The breaker decides for all scopes of a cohort at once, and of the day as of the window."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"

# The generic plan is the right one whatever the arrays hold: each scope is found by index. Without being
# told so, the server plans each of these statements anew for each cohort, which costs more than they do.
_DECIDE = """
create function intake.pass_breaker(
    the_cohort uuid, its_members bigint, scopes text[], limits bigint[], day_limits bigint[],
    at timestamptz, time_window interval, a_day interval
) returns text[] language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    done text[];
    asked text[];
    refused text[];
    taken text[];
    locked bigint;
begin
    insert into intake.breaker_cohorts (cohort_id, members, first_try_at)
    values (the_cohort, its_members, at) on conflict do nothing;
    select passed into done from intake.breaker_cohorts where cohort_id = the_cohort for update;
    if scopes <@ done then
        return '{}';
    end if;
    asked := array(select unnest(scopes) except select unnest(done));
    perform from intake.breaker_scopes where scope = any (asked)
    order by scope <> '*', scope for update;
    get diagnostics locked = row_count;
    if locked < cardinality(asked) then
        insert into intake.breaker_scopes (scope)
        select unnest(asked) order by 1 on conflict do nothing;
        perform from intake.breaker_scopes where scope = any (asked)
        order by scope <> '*', scope for update;
    end if;
    -- A statement of its own, so that it sees what passed while the locks were waited for.
    with judged as (
        select s.scope, s.tripped_at is not null as is_stopped, its_members + n.in_window as erasures,
            least(t.at_most, t.at_most_a_day + r.before + n.in_window - n.in_day) + r.in_window as allowed
        from unnest(scopes, limits, day_limits) as t (scope, at_most, at_most_a_day)
        join intake.breaker_scopes s on s.scope = t.scope,
        lateral (
            select coalesce(sum(c.erasures), 0)::bigint as in_day,
                coalesce(sum(c.erasures) filter (where c.minute > at - time_window), 0)::bigint as in_window
            from intake.breaker_counts c where c.scope = t.scope and c.minute > at - a_day
        ) n,
        lateral (
            select coalesce(sum(o.extra) filter (where o.approved_at <= at - time_window), 0)::bigint as before,
                coalesce(sum(o.extra) filter (where o.approved_at > at - time_window), 0)::bigint as in_window
            from intake.breaker_releases o
            where o.scope in (t.scope, '*') and o.approved_at > at - a_day
        ) r
        where t.scope = any (asked)
    ), stopped as (
        select scope, is_stopped, erasures, allowed from judged where is_stopped or erasures > allowed
    ), tripped as (
        update intake.breaker_scopes b
        set tripped_at = at, erasures = s.erasures, allowed = s.allowed
        from stopped s
        where b.scope = s.scope and not s.is_stopped
            and (s.scope = '*' or not exists (select from stopped where scope = '*'))
    )
    select coalesce(array_agg(scope order by scope <> '*', scope), '{}') into refused from stopped;
    if '*' = any (refused) then
        refused := asked;
    end if;
    taken := array(select unnest(asked) except select unnest(refused));
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


def upgrade() -> None:
    """Make the function beside the one before, which replicas of before go on to call."""
    op.execute(_DECIDE)


def downgrade() -> None:
    """Go back to the function before, which decides the same."""
    op.execute(
        "drop function intake.pass_breaker(uuid, bigint, text[], bigint[], bigint[], timestamptz,"
        " interval, interval)"
    )
