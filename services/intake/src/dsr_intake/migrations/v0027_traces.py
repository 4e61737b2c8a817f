"""In which trace a letter goes on, where spans are recorded."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"

_STATEMENTS = (
    "alter table intake.letters add column traceparent text",
    """
    comment on column intake.letters.traceparent is
        'The span that had the letter written; null where none was recorded.'
    """,
)


def upgrade() -> None:
    """Add the column; no letter of before has a trace."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is written is not taken back."""
    raise NotImplementedError("restore a backup instead")
