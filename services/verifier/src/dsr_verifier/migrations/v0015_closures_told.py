"""Closures that were told of before the database was put back: they keep their time, and are not told again."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"

_STATEMENTS = (
    """
    create table verifier.closures_told (
        request_id uuid primary key,
        closed_at timestamptz not null,
        evidence_digest bytea not null
    )
    """,
    """
    comment on table verifier.closures_told is
        'From dsr.closures.v1, by `dsr reconcile`. Closes nothing: the closing rule does, from the answers.'
    """,
)


def upgrade() -> None:
    """Make the table; it is empty but after a restore."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: closures would be told of twice."""
    raise NotImplementedError("restore a backup instead")
