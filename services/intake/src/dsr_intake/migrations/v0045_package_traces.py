"""In which trace a package is made, where spans are recorded."""

from __future__ import annotations

from alembic import op

revision = "0045"
down_revision = "0044"

_STATEMENTS = (
    "alter table intake.packages add column traceparent text",
    """
    comment on column intake.packages.traceparent is
        'The span that had the package made; null where none was recorded.'
    """,
)


def upgrade() -> None:
    """Add the column; no package of before has a trace."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is written is not taken back."""
    raise NotImplementedError("restore a backup instead")
