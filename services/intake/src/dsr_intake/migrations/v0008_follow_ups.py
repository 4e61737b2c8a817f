"""Requests that follow others: what they follow and why, and the notices that are kept for them."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

_TABLES = """
alter table intake.subject_requests
    add column follows uuid,
    add column follows_why text;
comment on column intake.subject_requests.follows is
    'The closed request that this one follows; null where it follows none.';
create unique index subject_requests_appeal on intake.subject_requests (follows)
    where follows_why = 'appeal';

alter table intake.cohorts add column system_ids text[] not null default '{}';

create table intake.deferred_notices (
    follow_up_id uuid primary key,
    request_id uuid not null,
    system_id text not null,
    key_id text not null,
    sealed_key bytea not null,
    place_ids uuid[] not null,
    sealed bytea[] not null,
    categories text[] not null,
    grounds text[] not null,
    review_at timestamptz not null,
    next_try_at timestamptz not null,
    opened_at timestamptz,
    unique (request_id, system_id)
);
comment on table intake.deferred_notices is
    'Identities that one system alone opens, kept until an exemption of that system is reviewed.';
comment on column intake.deferred_notices.place_ids is
    'The requests that the identity was sealed for: the next one first, then those after it.';
create index deferred_notices_due on intake.deferred_notices (next_try_at)
    where opened_at is null
"""


def upgrade() -> None:
    """Add the columns and the table; requests from before follow none."""
    for statement in _TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what is to be reviewed is not forgotten."""
    raise NotImplementedError("restore a backup instead")
