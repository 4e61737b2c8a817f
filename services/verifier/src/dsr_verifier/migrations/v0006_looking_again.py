"""Who has to look again after an erasure, by plan."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; of plans from before nobody has to."""
    op.execute("alter table verifier.plans add column looks_again text[] not null default '{}'")


def downgrade() -> None:
    """Refuse: what was to be looked at again would count as done."""
    raise NotImplementedError("restore a backup instead")
