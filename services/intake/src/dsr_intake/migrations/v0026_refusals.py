"""What waits before the breaker can be refused together, by two people."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"

_TABLE = """
create table intake.breaker_refusals (
    id uuid primary key,
    scope text not null,
    client_id text,
    ground text not null,
    reason text not null,
    waiting bigint not null,
    proposed_by text not null,
    proposed_at timestamptz not null,
    approved_by text,
    approved_at timestamptz,
    refused bigint not null default 0,
    done_at timestamptz
);
create index breaker_refusals_undone on intake.breaker_refusals (approved_at)
    where approved_at is not null and done_at is null;
comment on table intake.breaker_refusals is
    'That everything that waited for a scope is refused; once another person has approved it, it is
    carried out request by request until done_at.'
"""


def upgrade() -> None:
    """Make the table."""
    for statement in _TABLE.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: who refused what is not forgotten."""
    raise NotImplementedError("restore a backup instead")
