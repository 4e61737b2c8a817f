"""What a closure's statement needs: which answers came after the closing, and the rules' digest."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

_STATEMENTS = (
    # Null where it was not said.
    "alter table verifier.requests add column rules_digest text",
    """
    create table verifier.late_answers (
        request_id uuid not null,
        system_id text not null,
        sequence bigint not null,
        leaf_hash bytea not null,
        primary key (request_id, system_id, sequence, leaf_hash)
    )
    """,
    """
    comment on table verifier.late_answers is
        'Recorded answers that came after the closing. Said outright: times are of several clocks.'
    """,
    """
    insert into verifier.late_answers (request_id, system_id, sequence, leaf_hash)
    select a.request_id, a.system_id, a.sequence, a.leaf_hash
    from verifier.acknowledgements a join verifier.closures c using (request_id)
    where a.recorded_at > c.closed_at
    """,
    """
    create trigger append_only before update or delete or truncate on verifier.late_answers
    for each statement execute function verifier.refuse_change()
    """,
)


def upgrade() -> None:
    """Make the table; of answers recorded before it, the times say which were late."""
    for statement in _STATEMENTS:
        op.execute(statement)
