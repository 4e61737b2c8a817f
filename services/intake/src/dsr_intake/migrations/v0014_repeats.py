"""Duplicates are found by what they repeat for as long as they are told of it, after their end too."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Index them all."""
    op.execute(
        """
        create index subject_requests_repeats on intake.subject_requests (duplicate_of)
            where duplicate_of is not null
        """
    )
    op.execute("drop index intake.subject_requests_duplicates")


def downgrade() -> None:
    """Refuse: what was answered together is not forgotten."""
    raise NotImplementedError("restore a backup instead")
