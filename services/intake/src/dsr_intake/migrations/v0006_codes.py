"""One-time codes: what a code is derived from, and how often it was tried. No code is kept."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        create table intake.identity_codes (
            request_id uuid primary key,
            number integer not null,
            nonce bytea not null,
            issued_at timestamptz not null,
            expires_at timestamptz not null,
            tries integer not null default 0,
            used_at timestamptz,
            window_began_at timestamptz not null,
            window_codes integer not null
        )
        """
    )


def downgrade() -> None:
    """Refuse: what was tried is not forgotten."""
    raise NotImplementedError("restore a backup instead")
