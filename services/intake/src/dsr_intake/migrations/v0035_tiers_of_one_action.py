"""Passed tiers of appeals are told apart by their percent too: two may call for the same action."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"

_STATEMENTS = (
    "alter table intake.appeal_tiers add column percent smallint not null default 0",
    """
    comment on column intake.appeal_tiers.percent is
        'Of the time to the date; 0 from before: then every tier of the action that had come is passed.'
    """,
    """
    alter table intake.appeal_tiers drop constraint appeal_tiers_pkey,
        add primary key (request_id, action, percent)
    """,
)


def upgrade() -> None:
    """Add the column; a service of before leaves it 0, and still writes each action once."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: that a tier has passed is not forgotten."""
    raise NotImplementedError("restore a backup instead")
