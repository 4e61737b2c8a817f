"""Webhooks tell of packages too: a delivery says of what it tells."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"

_STATEMENTS = (
    """
    alter table intake.webhook_deliveries
        add column event text not null default 'subject_request.state_changed',
        add column expires_at timestamptz
    """,
    """
    alter table intake.webhook_deliveries
        drop constraint webhook_deliveries_pkey,
        add primary key (client_id, request_id, revision, event)
    """,
    """
    comment on column intake.webhook_deliveries.expires_at is
        'Until when the package can be fetched; null where it tells of none.'
    """,
)


def upgrade() -> None:
    """Add what is told; everything before was a change of state."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Tell of packages no more, and of changes of state as before."""
    op.execute("delete from intake.webhook_deliveries where event = 'package.ready'")
    op.execute(
        """
        alter table intake.webhook_deliveries
            drop constraint webhook_deliveries_pkey, drop column event, drop column expires_at,
            add primary key (client_id, request_id, revision)
        """
    )
