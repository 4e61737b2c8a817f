"""The tiers of appeals that nobody has decided: which have passed, and when; a breach is one of them."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the table, and find what waits."""
    op.execute(
        """
        create table intake.appeal_tiers (
            request_id uuid not null,
            action text not null,
            passed_at timestamptz not null,
            primary key (request_id, action)
        )
        """
    )
    op.execute(
        """
        create index subject_requests_undecided on intake.subject_requests (id)
            where state = 'awaiting_decision'
        """
    )


def downgrade() -> None:
    """Refuse: that a date has passed is not forgotten."""
    raise NotImplementedError("restore a backup instead")
