"""Ring keys, which wrap requests' keys and are wrapped by a key service; the names of lookup keys."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

_STATEMENTS = (
    """
    create table intake_keys.ring_keys (
        id text primary key,
        service text not null,
        wrapped_key bytea not null,
        made_at timestamptz not null,
        retired_at timestamptz
    )
    """,
    """
    comment on column intake_keys.ring_keys.retired_at is
        'Since when another key wraps; null for the one that does.'
    """,
    "create unique index ring_keys_wrapping on intake_keys.ring_keys ((true)) where retired_at is null",
    # A row that was deleted is dropped as soon as a hundred are, not once a fifth of the table is.
    """
    alter table intake_keys.request_keys set (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100,
        autovacuum_vacuum_cost_delay = 0
    )
    """,
)


def upgrade() -> None:
    """Add the table; keys from before are wrapped as they were."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is wrapped under a ring key would be lost."""
    raise NotImplementedError("restore a backup instead")
