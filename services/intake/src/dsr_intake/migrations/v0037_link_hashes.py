"""Keyed hashes of what systems found out, by which two persons who share an identifier are noticed.

They live exactly as long as the key of their request: whoever destroys it, destroys them.
"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"

_STATEMENTS = (
    """
    create table intake_keys.link_hashes (
        hash bytea not null,
        request_id uuid not null references intake_keys.request_keys on delete cascade,
        primary key (hash, request_id)
    )
    """,
    """
    comment on table intake_keys.link_hashes is
        'Of identifiers that are used for an open request, or would be but for a conflict; under every
        lookup key that was at hand.'
    """,
    "create index link_hashes_request on intake_keys.link_hashes (request_id)",
)


def upgrade() -> None:
    """Make the table. What was judged before is in it once it is judged again."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Forget the hashes; what systems find is compared with what persons gave alone, as before."""
    op.execute("drop table intake_keys.link_hashes")
