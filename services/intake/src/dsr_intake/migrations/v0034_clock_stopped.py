"""A cohort whose clock a question to the person has stopped has no date for now."""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Let a clock stand still; those of before run, until their next decision says otherwise."""
    op.execute("alter table intake.cohorts add column clock_stopped boolean not null default false")
    op.execute(
        """
        comment on column intake.cohorts.clock_stopped is
            'Whether no date counts for now; due_at is then the date of before.'
        """
    )


def downgrade() -> None:
    """Let every clock run."""
    op.execute("alter table intake.cohorts drop column clock_stopped")
