"""An index by which a listing looks for whoever has opted in since."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Make the index."""
    op.execute("create index opt_ins_digests on intake.opt_ins using gin (digests)")


def downgrade() -> None:
    """Drop the index; the proofs stay."""
    op.execute("drop index intake.opt_ins_digests")
