"""What a request is limited to besides categories and organisations: data since a day, and some uses."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"

_STATEMENTS = (
    """
    alter table intake.cohorts
        add column since date,
        add column uses text[] not null default '{}'
    """,
    """
    comment on column intake.cohorts.since is 'Data from this day on is meant; null for all of it.'
    """,
    """
    comment on column intake.cohorts.uses is
        'What the data is to be used for no more; empty for all that the right ends.'
    """,
)


def upgrade() -> None:
    """Add the columns; nothing was so limited before."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the columns: what was so limited has been told to fanout."""
    op.execute("alter table intake.cohorts drop column since, drop column uses")
