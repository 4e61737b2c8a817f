"""The ledger: plans, requests, obligations, acknowledgements, closures, changes, what is parked."""

from __future__ import annotations

from alembic import op

from dsr_runtime.outbox import ddl

revision = "0001"
down_revision = None

_LEDGER = """
create table verifier.plans (
    plan_id uuid primary key,
    registry_digest text not null,
    system_ids text[] not null,
    organisation_ids text[] not null
);
comment on table verifier.plans is
    'Which systems must answer, by registry version; the id is a digest of the content.';

create table verifier.requests (
    request_id uuid primary key,
    cohort_id uuid not null,
    plan_id uuid not null references verifier.plans,
    asked_right text not null,
    regime text not null,
    due_at timestamptz not null,
    opened_at timestamptz not null,
    recorded_at timestamptz not null,
    closed_at timestamptz,
    expected integer not null check (expected >= 1),
    open_count integer not null check (open_count between 0 and expected)
) with (fillfactor = 80);
create index requests_cohort on verifier.requests (cohort_id);

create table verifier.obligations (
    request_id uuid not null,
    system_id text not null,
    sequence bigint not null,
    records bigint not null,
    contradictions integer not null,
    is_confirmed boolean not null,
    is_contradicted boolean not null,
    answered_at timestamptz not null,
    recorded_at timestamptz not null,
    retry_at timestamptz,
    disposition text not null,
    reason text,
    exemptions text,
    primary key (request_id, system_id)
) with (fillfactor = 85);
comment on table verifier.obligations is
    'Where an obligation stands once a system has answered; what has no row is owed by the plan.';

create table verifier.batches (
    batch_id uuid primary key,
    system_id text not null,
    key_id text not null,
    size integer not null,
    signature bytea not null,
    leaf_hashes bytea not null,
    received_at timestamptz not null
);
comment on column verifier.batches.leaf_hashes is
    'The leaf hashes in order, joined: with them one answer can be shown with its Merkle path.';

create table verifier.acknowledgements (
    request_id uuid not null,
    system_id text not null,
    sequence bigint not null,
    leaf_hash bytea not null,
    batch_id uuid not null,
    leaf_index integer not null,
    recorded_at timestamptz not null,
    leaf bytea not null,
    primary key (request_id, system_id, sequence, leaf_hash)
);

create table verifier.closures (
    request_id uuid primary key,
    cohort_id uuid not null,
    asked_right text not null,
    outcome text not null,
    closed_at timestamptz not null,
    obligations integer not null,
    evidence_digest bytea not null,
    registry_digest text not null
);

create table verifier.changes (
    xid xid8 primary key default pg_current_xact_id(),
    at timestamptz not null,
    request_ids uuid[] not null,
    system_ids text[] not null,
    dispositions text[] not null,
    confirmed boolean[] not null
);
comment on table verifier.changes is
    'One row a transaction. A transaction below every running one is final: cursors go by xid.';

create table verifier.parked_records (
    batch_id uuid primary key,
    topic text not null,
    partition integer not null,
    record_offset bigint not null,
    key bytea,
    value bytea not null,
    headers text not null
);

create table verifier.parked (
    request_id uuid not null,
    system_id text not null,
    sequence bigint not null,
    leaf_hash bytea not null,
    batch_id uuid not null references verifier.parked_records,
    leaf_index integer not null,
    parked_at timestamptz not null,
    leaf bytea not null,
    primary key (request_id, system_id, sequence, leaf_hash)
);
create index parked_system on verifier.parked (system_id);
create index parked_batch on verifier.parked (batch_id);
create index parked_age on verifier.parked (parked_at);
comment on table verifier.parked is
    'Answers that arrived before their obligations, until those come or the wait is over.';
"""

_APPEND_ONLY = """
create function verifier.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end
$$;
"""

_EVIDENCE = ("acknowledgements", "batches", "closures")


def upgrade() -> None:
    """Make the ledger."""
    statements = [*_LEDGER.split(";\n"), *ddl("verifier").split(";\n"), _APPEND_ONLY]
    statements.extend(
        f"""
        create trigger append_only before update or delete or truncate on verifier.{table}
        for each statement execute function verifier.refuse_change()
        """
        for table in _EVIDENCE
    )
    for statement in statements:
        if statement.strip():
            op.execute(statement)
