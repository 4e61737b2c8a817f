"""Amendments: how what is owed for a request has changed, and what that makes of it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    """
    create table verifier.amendments (
        request_id uuid not null,
        revision integer not null,
        kind text not null,
        cohort_id uuid not null,
        amended_at timestamptz not null,
        effective_at timestamptz not null,
        value bytea not null,
        recorded_at timestamptz not null,
        effect text,
        effect_at timestamptz,
        primary key (request_id, revision, kind)
    )
    """,
    """
    comment on column verifier.amendments.effect is
        'What became of it; null while it waits for its obligations. Set once, nothing else ever.'
    """,
    "create index amendments_waiting on verifier.amendments (request_id) where effect is null",
    """
    create function verifier.refuse_amending() returns trigger language plpgsql as $$
    begin
        if old.effect is not null or new.effect is null
            or to_jsonb(new) - '{effect,effect_at}'::text[]
                <> to_jsonb(old) - '{effect,effect_at}'::text[] then
            raise exception '% is append-only', tg_table_name;
        end if;
        return new;
    end
    $$
    """,
    """
    create trigger append_only before delete or truncate on verifier.amendments
    for each statement execute function verifier.refuse_change()
    """,
    """
    create trigger effect_only before update on verifier.amendments
    for each row execute function verifier.refuse_amending()
    """,
    """
    create table verifier.breaches (
        request_id uuid not null,
        system_id text not null,
        hold_id uuid not null,
        sequence bigint not null,
        answered_at timestamptz not null,
        recorded_at timestamptz not null,
        primary key (request_id, system_id, hold_id)
    )
    """,
    """
    comment on table verifier.breaches is
        'What was erased under a legal hold. A row goes when a lifting becomes known that came first.'
    """,
    # Null in requests that were never amended, so that nothing is rewritten and opening costs no more.
    """
    alter table verifier.requests
        add column home_cohort_id uuid,
        add column opened_plan_id uuid references verifier.plans,
        add column opened_due_at timestamptz,
        add column stopping text,
        add column held_system_ids text[]
    """,
    """
    create index requests_home_cohort on verifier.requests (home_cohort_id)
    where home_cohort_id is not null
    """,
    """
    comment on column verifier.requests.home_cohort_id is
        'The cohort that it was accepted in, once it was amended; opened_plan_id, opened_due_at alike.'
    """,
    "alter table verifier.obligations add column settled_by text",
    """
    comment on column verifier.obligations.settled_by is
        'Who answered in place of the system, as JSON; null where the system did.'
    """,
)


def upgrade() -> None:
    """Make the tables, and the columns that say what amendments have made of a request."""
    for statement in _STATEMENTS:
        op.execute(statement)
