"""Duplicates: who asks for what again while it is open, and with which request that is answered."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

_STATEMENTS = (
    """
    alter table intake.subject_requests
        add column person_hash bytea,
        add column duplicate_of uuid,
        add column related_to uuid
    """,
    """
    comment on column intake.subject_requests.person_hash is
        'Keyed hash of the whole identity, the right and the scope; null where nobody looks for twins.'
    """,
    """
    create index subject_requests_person on intake.subject_requests (person_hash)
        where answered_at is null
    """,
    """
    create index subject_requests_duplicates on intake.subject_requests (duplicate_of)
        where duplicate_of is not null and closed_at is null
    """,
)


def upgrade() -> None:
    """Add the columns; requests from before have no twins."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what was answered together is not forgotten."""
    raise NotImplementedError("restore a backup instead")
