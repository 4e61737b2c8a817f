"""What a system has handed over for access, beside where its obligation stands."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

_STATEMENTS = (
    "alter table verifier.obligations add column delivery text",
    """
    comment on column verifier.obligations.delivery is
        'JSON: a reference to an export, with its sealed key; null where nothing is handed over this way.'
    """,
)


def upgrade() -> None:
    """Add the column; nothing has been handed over this way before."""
    for statement in _STATEMENTS:
        op.execute(statement)
