"""Requests, cohorts, clients, idempotency keys, the outbox; keys in a schema of their own.

No foreign keys on the tables that grow: one statement writes the rows that belong together, nothing
deletes a cohort or a request, and the checks would be the largest part of writing one.
"""

from __future__ import annotations

from alembic import op

from dsr_runtime.outbox import ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REVISION_NOW = "(pg_current_xact_id()::text::bigint)"

_TABLES = f"""
    create schema if not exists intake_keys;

    create table intake.api_clients (
        client_id text primary key,
        name text not null,
        secret_hash bytea not null,
        created_at timestamptz not null,
        revoked_at timestamptz
    );

    create table intake.cohorts (
        id uuid primary key,
        "right" text not null,
        regime text not null,
        jurisdiction text not null,
        categories text[] not null,
        organisation_ids text[] not null,
        identifier_kinds text[] not null,
        registry_digest text not null,
        members integer not null check (members > 0),
        open_members integer not null check (open_members between 0 and members),
        received_at timestamptz not null,
        accepted_at timestamptz not null,
        due_at timestamptz not null,
        answered_at timestamptz
    );

    create table intake.subject_requests (
        id uuid primary key,
        cohort_id uuid not null,
        client_id text not null,
        state text not null,
        outcome text,
        "right" text not null,
        jurisdiction text not null,
        requester_role text not null,
        channel text not null,
        language text,
        received_at timestamptz not null,
        accepted_at timestamptz not null,
        closed_at timestamptz,
        answered_at timestamptz,
        lookup_hashes bytea[] not null,
        identity_ciphertext bytea,
        revision bigint not null default {_REVISION_NOW}
    );
    create index subject_requests_cohort on intake.subject_requests (cohort_id);
    create index subject_requests_client on intake.subject_requests (client_id, id);
    create index subject_requests_revision on intake.subject_requests (revision);

    create table intake.idempotency_keys (
        key bytea primary key,
        content bytea not null,
        request_id uuid not null,
        created_at timestamptz not null
    );
    create index idempotency_keys_age on intake.idempotency_keys using brin (created_at);

    create table intake_keys.request_keys (
        request_id uuid primary key,
        wrapped_key bytea not null,
        kek_id text not null
    );
"""


def upgrade() -> None:
    """Make the tables; one statement at a time, since the driver prepares each."""
    for statement in (_TABLES + ddl("intake")).split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Refuse: dropping requests is no way back."""
    raise NotImplementedError("restore a backup instead")
