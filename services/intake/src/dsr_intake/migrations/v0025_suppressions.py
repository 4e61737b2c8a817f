"""The suppression list: keyed hashes of whom to leave alone, and the proofs by which some are off it."""

from __future__ import annotations

from alembic import op

from dsr_runtime.append_only import append_only

revision = "0025"
down_revision = "0024"

_STATEMENTS = (
    """
    create table intake.suppressions (
        kind text not null,
        digest bytea not null check (length(digest) = 16),
        key_id text not null,
        since timestamptz not null,
        request_id uuid not null,
        ended boolean not null default false,
        told boolean not null default false,
        primary key (kind, digest)
    )
    """,
    "create index suppressions_digest on intake.suppressions (digest)",
    "create index suppressions_request on intake.suppressions (request_id)",
    "create index suppressions_untold on intake.suppressions (kind, digest) where not told",
    """
    comment on column intake.suppressions.told is
        'Whether dsr.suppressions.v1 has it; what has ended is deleted once that is told.'
    """,
    """
    create table intake.opt_ins (
        id uuid primary key,
        at timestamptz not null,
        principal text not null,
        kinds text[] not null,
        digests bytea[] not null,
        reference text not null check (length(reference) <= 100),
        given_on date not null
    )
    """,
    """
    alter table intake.subject_requests
        add column suppression_digests bytea[] not null default '{}',
        add column suppression_key_id text
    """,
    append_only("intake.opt_ins"),
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: whoever is on the list would be forgotten."""
    raise NotImplementedError("restore a backup instead")
