"""The names of lookup keys: under which one the hashes of a request were made, and which there were."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"

_STATEMENTS = (
    """
    create table intake_keys.lookup_keys (
        id text primary key,
        ordinal bigint generated always as identity,
        first_seen_at timestamptz not null
    )
    """,
    """
    alter table intake.subject_requests
        add column lookup_key_id text,
        add column former_hashes bytea[] not null default '{}'
    """,
    """
    comment on column intake.subject_requests.lookup_key_id is
        'Under which key lookup_hashes and person_hash were made; null: the oldest of lookup_keys.'
    """,
    """
    comment on column intake.subject_requests.former_hashes is
        'The same identifiers under former lookup keys, by which holds from before are found.'
    """,
)


def upgrade() -> None:
    """Add the table and the columns; hashes from before are under the only key that there was."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: hashes would be looked for under the wrong key."""
    raise NotImplementedError("restore a backup instead")
