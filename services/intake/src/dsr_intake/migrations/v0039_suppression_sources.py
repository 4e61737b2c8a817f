"""Which requests forbid what an entry of the suppression list says: it ends with the last of them."""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"

_STATEMENTS = (
    """
    create table intake.suppression_sources (
        kind text not null,
        digest bytea not null,
        request_id uuid not null,
        primary key (kind, digest, request_id)
    )
    """,
    "create index suppression_sources_request on intake.suppression_sources (request_id)",
    """
    insert into intake.suppression_sources (kind, digest, request_id)
    select kind, digest, request_id from intake.suppressions where not ended
    """,
    """
    comment on table intake.suppression_sources is
        'An entry that has not ended has one at least. They go with the list, not with the request.'
    """,
    """
    comment on column intake.suppressions.request_id is
        'The request that put it on the list; suppression_sources has all that forbid it.'
    """,
    "drop index intake.suppressions_request",
)


def upgrade() -> None:
    """Make the table. Of what is listed the first request is known; the others were not written."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Let an entry end with its first request, as before."""
    op.execute("create index suppressions_request on intake.suppressions (request_id)")
    op.execute("drop table intake.suppression_sources")
