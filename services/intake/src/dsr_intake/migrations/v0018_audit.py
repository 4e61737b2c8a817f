"""The audit log: what people change, only added to."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"

_STATEMENTS = (
    """
    create table intake.audit (
        id uuid primary key,
        at timestamptz not null,
        principal text not null,
        kind text not null,
        authentication text not null,
        action text not null,
        targets text[] not null,
        reason text not null check (length(reason) <= 500),
        outcome text not null,
        digest bytea not null check (length(digest) = 32)
    )
    """,
    """
    comment on table intake.audit is
        'Append-only. What programs and services do is not here: it follows from what people decide.'
    """,
    """
    create trigger append_only before update or delete or truncate on intake.audit
    for each statement execute function intake.refuse_change()
    """,
)


def upgrade() -> None:
    """Make the table."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what people changed is not forgotten."""
    raise NotImplementedError("restore a backup instead")
