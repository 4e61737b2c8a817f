"""Copies that were settled: erasures that wait for what was handed over go on once its copy was made."""

from __future__ import annotations

from alembic import op

from dsr_runtime.append_only import append_only

revision = "0017"
down_revision = "0016"

_STATEMENTS = (
    """
    create table verifier.copies_settled (
        request_id uuid primary key,
        settled_at timestamptz not null
    )
    """,
    """
    comment on table verifier.copies_settled is
        'From dsr.copies.v1: no erasure waits for the copy that request_id asked for any more.'
    """,
    # Of what was closed before, nobody may ever say more: what also waits for others goes on with those.
    """
    insert into verifier.copies_settled (request_id, settled_at)
    select r.request_id, r.closed_at from verifier.requests r
    where r.closed_at is not null
        and exists (select from verifier.awaited a where a.awaited_id = r.request_id)
    """,
    append_only("verifier.copies_settled"),
)


def upgrade() -> None:
    """Make the table; what is closed by now counts as settled."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is erased only after its copy was made would be forgotten."""
    raise NotImplementedError("restore a backup instead")
