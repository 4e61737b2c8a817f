"""Passed tiers of appeals, and the names of lookup keys, are only added to, as decisions are."""

from __future__ import annotations

from alembic import op

from dsr_runtime.append_only import append_only

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Have the database refuse every change; none was ever made."""
    op.execute(append_only("intake.appeal_tiers"))
    op.execute(append_only("intake_keys.lookup_keys", function_in="intake"))


def downgrade() -> None:
    """Refuse: what could not be changed is not made changeable."""
    raise NotImplementedError("restore a backup instead")
