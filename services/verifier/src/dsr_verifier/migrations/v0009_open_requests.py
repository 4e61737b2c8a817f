"""What is missing is counted without reading what was closed."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Index the requests that are open; they are few beside those that were."""
    op.execute(
        "create index requests_open on verifier.requests (opened_at) where closed_at is null"
    )


def downgrade() -> None:
    """Forget the index."""
    op.execute("drop index verifier.requests_open")
