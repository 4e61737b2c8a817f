"""What is open is counted without reading what was answered."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Index the cohorts that are open; they are few beside those that were."""
    op.execute("create index cohorts_open on intake.cohorts (due_at) where answered_at is null")


def downgrade() -> None:
    """Forget the index."""
    op.execute("drop index intake.cohorts_open")
