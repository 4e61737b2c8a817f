"""Packages that cannot be made: how often one has failed, and since when nobody tries it any more."""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0039"

_STATEMENTS = (
    """
    alter table intake.packages
        add column faults integer not null default 0,
        add column set_aside_at timestamptz
    """,
    """
    comment on column intake.packages.faults is
        'Tries in a row that ended by a fault of its own, or with the process.'
    """,
    """
    comment on column intake.packages.set_aside_at is
        'Since when it is not tried any more; null for one that is, or is made.'
    """,
)


def upgrade() -> None:
    """Add the columns; none has been set aside so far."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Have every package tried again, as before."""
    op.execute("update intake.packages set next_try_at = now() where set_aside_at is not null")
    op.execute("alter table intake.packages drop column faults, drop column set_aside_at")
