"""Letters: which requests get them, and how each stands. Neither an address nor a text is kept."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

_TABLE = """
    create table intake.letters (
        request_id uuid not null,
        kind text not null,
        number integer not null default 1,
        state text not null,
        tries integer not null default 0,
        next_try_at timestamptz,
        waiting_since timestamptz not null,
        settled_at timestamptz,
        reason text,
        primary key (request_id, kind, number)
    )
"""


def upgrade() -> None:
    """Make the table; requests from before get no letters."""
    op.execute(
        "alter table intake.subject_requests add column letters boolean not null default false"
    )
    op.execute(_TABLE)
    op.execute(
        "create index letters_waiting on intake.letters (next_try_at) where state = 'waiting'"
    )


def downgrade() -> None:
    """Refuse: what people were told is not forgotten."""
    raise NotImplementedError("restore a backup instead")
