"""Decisions: what sets a request apart from its cohort, legal holds, and answers by two people."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

_TABLES = """
alter table intake.subject_requests
    add column home_cohort_id uuid,
    add column commands integer not null default 0,
    add column fact_kinds text[] not null default '{}',
    add column fact_times timestamptz[] not null default '{}',
    add column decided_at timestamptz;
comment on column intake.subject_requests.home_cohort_id is
    'The cohort that it was accepted in; null while it has not left that.';
create index subject_requests_home on intake.subject_requests (home_cohort_id)
    where home_cohort_id is not null;
update intake.subject_requests set commands = 1
where identity_method is distinct from 'attested' and identity_proven_at is not null;

create table intake.decisions (
    request_id uuid not null,
    revision integer not null,
    kind text not null,
    decided_by text not null,
    reason text not null,
    effective_at timestamptz not null,
    recorded_at timestamptz not null,
    details jsonb not null,
    primary key (request_id, revision)
);

create table intake.holds (
    id uuid primary key,
    request_id uuid,
    authority text not null,
    reason text not null,
    placed_by text not null,
    system_ids text[] not null,
    categories text[] not null,
    effective_at timestamptz not null,
    recorded_at timestamptz not null,
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text
);
comment on column intake.holds.request_id is
    'The request that it is about; null where it is about a person, whom hold_hashes names.';
create table intake.hold_hashes (
    hash bytea not null,
    hold_id uuid not null,
    primary key (hash, hold_id)
);
create table intake.held_requests (
    request_id uuid not null,
    hold_id uuid not null,
    system_ids text[] not null,
    held_at timestamptz,
    lifted_at timestamptz,
    primary key (request_id, hold_id)
);
comment on column intake.held_requests.system_ids is
    'The systems that are held, by the registry that the request pins; empty means all of them.';
comment on column intake.held_requests.held_at is
    'When the request was put on hold; null while its state does not allow it yet.';
create index held_requests_hold on intake.held_requests (hold_id) where lifted_at is null;

create table intake.settlements (
    id uuid primary key,
    request_id uuid not null,
    system_id text not null,
    disposition text not null,
    reason text not null,
    proposed_by text not null,
    proposed_at timestamptz not null,
    approved_by text,
    approved_at timestamptz
);
create index settlements_request on intake.settlements (request_id)
"""

_APPEND_ONLY = """
create function intake.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end
$$
"""

_TRIGGER = """
create trigger append_only before update or delete or truncate on intake.decisions
for each statement execute function intake.refuse_change()
"""


def upgrade() -> None:
    """Add the columns and tables; requests from before are where they were accepted."""
    for statement in (*_TABLES.split(";\n"), _APPEND_ONLY, _TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what was decided, by whom and why, is not forgotten."""
    raise NotImplementedError("restore a backup instead")
