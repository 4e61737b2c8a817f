"""Letters of receipt that are not sent are found without reading all letters."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Index them by their request."""
    op.execute(
        """
        create index letters_of_receipt_unsent on intake.letters (request_id)
            where kind = 'received' and state <> 'sent'
        """
    )


def downgrade() -> None:
    """Forget the index."""
    op.execute("drop index intake.letters_of_receipt_unsent")
