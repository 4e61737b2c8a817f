"""Letters that were given up are counted without reading all of them."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Index those that wait or were given up by their kind."""
    op.execute(
        """
        create index letters_not_sent on intake.letters (kind, waiting_since)
            where state in ('waiting', 'given_up')
        """
    )


def downgrade() -> None:
    """Forget the index."""
    op.execute("drop index intake.letters_not_sent")
