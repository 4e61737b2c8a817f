"""Principals: what each API key is for, where, until when, and how much it may call."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

_CLIENT = "requests:submit,requests:read,requests:withdraw,requests:identify,webhooks:manage"

_STATEMENTS = (
    f"""
    alter table intake.api_clients
        add column role text not null default 'client'
            check (role in ('client', 'operator', 'privacy_officer')),
        add column scopes text[] not null default '{{{_CLIENT}}}',
        add column jurisdictions text[] not null default '{{}}',
        add column expires_at timestamptz,
        add column former_hash bytea,
        add column former_expires_at timestamptz,
        add column calls_per_s integer check (calls_per_s > 0),
        add column calls_at_once integer check (calls_at_once > 0)
    """,
    """
    comment on column intake.api_clients.former_hash is
        'The SHA-256 of the secret before the newest, which is good until former_expires_at.'
    """,
    """
    comment on column intake.api_clients.calls_per_s is
        'How much it may call; null where the service''s setting holds.'
    """,
)


def upgrade() -> None:
    """Add the columns; keys from before are clients', without an end."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: who could do what is not forgotten."""
    raise NotImplementedError("restore a backup instead")
