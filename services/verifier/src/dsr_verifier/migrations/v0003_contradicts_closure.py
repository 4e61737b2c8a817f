"""Whether answers that came after the closing contradict it."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; nothing is known of answers that were late before."""
    op.execute(
        "alter table verifier.obligations"
        " add column contradicts_closure boolean not null default false"
    )
