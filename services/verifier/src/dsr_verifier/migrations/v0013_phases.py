"""Phases: in which order the systems of a plan are asked, and how far each cohort has come."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

_STATEMENTS = (
    "alter table verifier.plans add column phases smallint[]",
    """
    comment on column verifier.plans.phases is
        'The phase of each of system_ids; null where all are asked at once.'
    """,
    """
    create table verifier.phases (
        cohort_id uuid not null,
        phase smallint not null,
        told_at timestamptz,
        is_due boolean not null default false,
        confirmed_at timestamptz,
        primary key (cohort_id, phase)
    )
    """,
    """
    comment on table verifier.phases is
        'The phases of cohorts that have several. is_due: told at its date, whatever was confirmed.'
    """,
)


def upgrade() -> None:
    """Add the table and the column; the systems of plans from before are asked at once."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: who is told, and who waits, would be forgotten."""
    raise NotImplementedError("restore a backup instead")
