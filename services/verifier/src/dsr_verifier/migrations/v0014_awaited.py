"""What is awaited: which requests that hand data over are to be closed before others erase it."""

from __future__ import annotations

from alembic import op

from dsr_runtime.append_only import append_only

revision = "0014"
down_revision = "0013"

_STATEMENTS = (
    """
    create table verifier.awaited (
        awaited_id uuid not null,
        request_id uuid not null,
        primary key (awaited_id, request_id)
    )
    """,
    "create index awaited_request on verifier.awaited (request_id)",
    """
    comment on table verifier.awaited is
        'request_id is told to no system before awaited_id is closed, or its first date has come.'
    """,
    append_only("verifier.awaited"),
)


def upgrade() -> None:
    """Add the table; nothing from before waits."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is erased only after it was handed over would be forgotten."""
    raise NotImplementedError("restore a backup instead")
