"""The keys of packages: what systems hand over for one request is sealed to its package's key."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"

_STATEMENTS = (
    """
    create table intake_keys.package_keys (
        request_id uuid primary key,
        public_key bytea not null,
        wrapped_key bytea not null,
        kek_id text not null,
        made_at timestamptz not null
    )
    """,
    "create index package_keys_made on intake_keys.package_keys (made_at)",
    # As the keys of requests: a row that was deleted is dropped soon.
    """
    alter table intake_keys.package_keys set (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100,
        autovacuum_vacuum_cost_delay = 0
    )
    """,
)


def upgrade() -> None:
    """Add the table; what was asked for before has no package."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what systems have handed over could not be opened any more."""
    raise NotImplementedError("restore a backup instead")
