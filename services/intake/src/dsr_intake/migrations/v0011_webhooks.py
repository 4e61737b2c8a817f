"""Webhooks: where an API client is told how its requests go on, and what it was told."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

_TABLES = """
create table intake.webhooks (
    client_id text primary key,
    url text not null,
    secret_version integer not null,
    secret_changed_at timestamptz not null,
    read_to bigint not null,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_because text
);
comment on column intake.webhooks.read_to is
    'The revision up to which changes of state have become deliveries.';

create table intake.webhook_deliveries (
    client_id text not null,
    request_id uuid not null,
    revision bigint not null,
    state text not null,
    outcome text,
    changed_at timestamptz not null,
    tries integer not null default 0,
    next_try_at timestamptz,
    settled_at timestamptz,
    result text,
    primary key (client_id, request_id, revision)
) with (fillfactor = 85);
create index webhook_deliveries_due on intake.webhook_deliveries (next_try_at)
    where next_try_at is not null;
create index webhook_deliveries_settled on intake.webhook_deliveries (settled_at);
comment on column intake.webhook_deliveries.next_try_at is
    'Null once it is delivered or given up.'
"""


def upgrade() -> None:
    """Make the tables; clients of before have no webhook."""
    for statement in _TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what a client has not been told yet is not forgotten."""
    raise NotImplementedError("restore a backup instead")
