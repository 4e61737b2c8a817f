"""Plans are only added to, as all that a closure rests on."""

from __future__ import annotations

from alembic import op

from dsr_runtime.append_only import append_only

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Have the database refuse every change to a plan; none was ever made."""
    op.execute(append_only("verifier.plans"))
