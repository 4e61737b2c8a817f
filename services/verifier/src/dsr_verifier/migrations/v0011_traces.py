"""In which trace a request goes on when it is closed, where spans are recorded."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

_STATEMENTS = (
    """
    create table verifier.traces (
        request_id uuid primary key,
        traceparent text not null
    )
    """,
    """
    comment on table verifier.traces is
        'The span in which a request was opened, from then until it is closed; empty while tracing is off.'
    """,
)


def upgrade() -> None:
    """Make the table; nothing that is open has a trace."""
    for statement in _STATEMENTS:
        op.execute(statement)
