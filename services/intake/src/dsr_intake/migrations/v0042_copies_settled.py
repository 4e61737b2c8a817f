"""Copies that were settled: which packages no erasure waits for any more."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"

_STATEMENTS = (
    "alter table intake.packages add column copy_settled_at timestamptz",
    """
    comment on column intake.packages.copy_settled_at is
        'Since when no erasure waits for it: it was made whole, or somebody accepted what it lacks.'
    """,
    # What was made by now has been waited for by nobody.
    "update intake.packages set copy_settled_at = made_at where made_at is not null",
    """
    create index packages_unsettled on intake.packages (request_id)
        where copy_settled_at is null and state = 'ready'
    """,
    """
    create index subject_requests_being_packed on intake.subject_requests using gin (lookup_hashes)
        where "right" in ('access', 'portability') and closed_at is not null and answered_at is null
    """,
)


def upgrade() -> None:
    """Add the column, and indices of the few that may be waited for."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove them: what waits goes on at its first tier."""
    op.execute("drop index intake.subject_requests_being_packed")
    op.execute("drop index intake.packages_unsettled")
    op.execute("alter table intake.packages drop column copy_settled_at")
