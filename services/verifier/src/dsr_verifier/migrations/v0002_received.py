"""When a parked record was received, since a revoked key is judged by that."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    # The default is for a replica of the version before, which does not say it.
    """
    alter table verifier.parked_records
        add column received_at timestamptz not null default now()
    """,
    """
    update verifier.parked_records r set received_at = p.parked_at
    from (select batch_id, min(parked_at) as parked_at from verifier.parked group by batch_id) p
    where p.batch_id = r.batch_id
    """,
)


def upgrade() -> None:
    """Add the column; what is parked already was received when it was parked."""
    for statement in _STATEMENTS:
        op.execute(statement)
