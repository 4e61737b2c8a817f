"""Authority: what shows that somebody may ask for another person, and how it was proven."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns; of requests from before nothing was demanded."""
    op.execute(
        """
        alter table intake.subject_requests
            add column authority_awaited boolean not null default false,
            add column authority_kind text,
            add column authority_reference text,
            add column authority_given_on date,
            add column authority_proven_at timestamptz,
            add column authority_reason text
        """
    )


def downgrade() -> None:
    """Refuse: who was believed, and why, is not forgotten."""
    raise NotImplementedError("restore a backup instead")
