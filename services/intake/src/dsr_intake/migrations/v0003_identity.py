"""Identity: how and when it was proven who asks; and the date that was promised before that."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; requests from before were all attested."""
    op.execute(
        """
        alter table intake.subject_requests
            add column identity_method text,
            add column identity_proven_at timestamptz,
            add column identity_reason text
        """
    )
    op.execute(
        """
        update intake.subject_requests
        set identity_method = 'attested', identity_proven_at = received_at
        """
    )
    op.execute("alter table intake.cohorts add column first_due_at timestamptz")


def downgrade() -> None:
    """Refuse: who was believed, and why, is not forgotten."""
    raise NotImplementedError("restore a backup instead")
