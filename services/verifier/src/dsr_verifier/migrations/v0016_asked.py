"""What was asked: when a request was received and what part of the data it means, which its plan follows from."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"

_STATEMENTS = (
    """
    alter table verifier.requests
        add column received_at timestamptz,
        add column asked_scope text
    """,
    """
    comment on column verifier.requests.received_at is
        'Null on requests from before it was told: whom their plan had to name nobody can work out again.'
    """,
    """
    comment on column verifier.requests.asked_scope is
        'What part of the data is meant, as canonical JSON; null where nothing is limited.'
    """,
)


def upgrade() -> None:
    """Add the columns; of requests from before nothing is known."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: certificates could not show any more that no system was left out."""
    raise NotImplementedError("restore a backup instead")
