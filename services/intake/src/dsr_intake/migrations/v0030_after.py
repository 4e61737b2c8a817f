"""What comes after: a request that erases waits for those that hand the same person's data over."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"

_STATEMENTS = (
    "alter table intake.subject_requests add column after_request_ids uuid[]",
    """
    comment on column intake.subject_requests.after_request_ids is
        'Requests of the same person that hand data over before this one erases any; null for none.'
    """,
    """
    create index subject_requests_handing_over on intake.subject_requests using gin (lookup_hashes)
        where "right" in ('access', 'portability') and closed_at is null
    """,
)


def upgrade() -> None:
    """Add the column and an index of the few requests that are looked through; nothing waits yet."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove both: what waits has been told to fanout, which goes on by itself."""
    op.execute("drop index intake.subject_requests_handing_over")
    op.execute("alter table intake.subject_requests drop column after_request_ids")
