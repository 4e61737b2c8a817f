"""That a tier of an appeal has passed is only added to, as decisions are."""

from __future__ import annotations

from alembic import op

from dsr_runtime.append_only import append_only

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Have the database refuse every change; none was ever made."""
    op.execute(append_only("intake.appeal_tiers"))


def downgrade() -> None:
    """Refuse: what could not be changed is not made changeable."""
    raise NotImplementedError("restore a backup instead")
