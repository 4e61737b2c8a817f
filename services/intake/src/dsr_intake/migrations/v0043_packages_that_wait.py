"""Packages that wait: how often a part was not there, and why one is set aside."""

from __future__ import annotations

from alembic import op

revision = "0043"
down_revision = "0042"

_STATEMENTS = (
    """
    alter table intake.packages
        add column parts_tries integer not null default 0,
        add column set_aside_why text
    """,
    """
    comment on column intake.packages.parts_tries is
        'Tries that ended since a part was not there, since an export was left out.'
    """,
    """
    comment on column intake.packages.set_aside_why is
        'A code; null for one that is not set aside, or was by an older version: by faults.'
    """,
)


def upgrade() -> None:
    """Add the columns: an older version writes neither, and needs neither."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: tries at parts are counted with all others again."""
    op.execute("alter table intake.packages drop column parts_tries, drop column set_aside_why")
