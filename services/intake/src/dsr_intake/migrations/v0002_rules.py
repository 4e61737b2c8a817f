"""Rules: which version a cohort's dates were counted by, and why that regime's."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; cohorts from before there were rules have none."""
    op.execute(
        """
        alter table intake.cohorts
            add column rules_digest text not null default '',
            add column regime_why text not null default ''
        """
    )


def downgrade() -> None:
    """Refuse: what requests were promised is not forgotten."""
    raise NotImplementedError("restore a backup instead")
